from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.matrix.outcome import Outcome, read_outcomes, table

JUNIT = '<testsuites><testsuite tests="9" failures="1" errors="2" skipped="3" time="1.5"/></testsuites>'


def write_environment(environment: Path) -> None:
    """What a run leaves in the environment of a cell."""
    packages = environment / "lib" / "python3.13" / "site-packages"
    for name, version in (("django_filter", "26.2"), ("django", "6.1.3")):
        (packages / f"{name}-{version}.dist-info").mkdir(parents=True)
        (packages / f"{name}-{version}.dist-info" / "METADATA").write_text(
            f"Name: {name}\nVersion: {version}\n"
        )
    (environment / "tmp").mkdir()
    (environment / "tmp" / "junit.xml").write_text(JUNIT)
    (environment / "pyvenv.cfg").write_text("home = /somewhere\nversion_info = 3.13.0\n")


def reported(*, success: bool = True, skipped: bool = False) -> dict[str, Any]:
    """What tox reports of a cell."""
    result = {"success": success, "exit_code": 0 if success else 1, "duration": 12.6, "skipped": skipped}
    return {"result": result}


def test_the_counts_come_from_pytest_and_the_versions_from_the_environment(tmp_path: Path) -> None:
    write_environment(tmp_path / "py313-django61")
    [outcome] = read_outcomes({"testenvs": {"py313-django61": reported(success=False)}}, tmp_path)
    remark = "FAILED with exit code 1"
    assert outcome == Outcome("py313-django61", "3.13.0", "6.1.3", 3, 3, 3, 12.6, remark)


def test_a_cell_without_its_interpreter_is_said_to_be_left_out(tmp_path: Path) -> None:
    [outcome] = read_outcomes({"testenvs": {"py314-django61": reported(skipped=True)}}, tmp_path)
    assert outcome.remark == "left out: its interpreter is not installed"


def test_a_cell_that_could_not_be_installed_has_failed_with_no_test_run(tmp_path: Path) -> None:
    [outcome] = read_outcomes({"testenvs": {"py313-django61": reported(success=False)}}, tmp_path)
    assert (outcome.passed, outcome.failed, outcome.remark) == (0, 0, "FAILED with exit code 1")


def test_what_tox_builds_the_package_in_is_no_cell(tmp_path: Path) -> None:
    assert read_outcomes({"testenvs": {".pkg": {"setup": []}}}, tmp_path) == []


def test_the_columns_of_the_table_are_aligned() -> None:
    rows = [Outcome("a", passed=1), Outcome("longer", passed=1234, seconds=61.5, remark="FAILED")]
    head, first, second = table(rows).splitlines()
    at = head.index("passed")
    assert (first[at : at + 6].strip(), second[at : at + 6].strip()) == ("1", "1234")
    assert second.endswith("62       FAILED")

"""What became of the cells of a run: read from tox's report and pytest's, and shown as a table."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

__all__ = ["Outcome", "read_outcomes", "table"]

_HEAD = ("cell", "python", "django", "passed", "failed", "skipped", "seconds", "")
_COUNTED = ("tests", "failures", "errors", "skipped")


@dataclass(frozen=True)
class Outcome:
    """One cell: its versions, how many tests passed, failed (or broke) and were skipped, and a remark."""

    cell: str
    python: str = "-"
    django: str = "-"
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    seconds: float = 0.0
    remark: str = ""

    @property
    def row(self) -> tuple[str, ...]:
        """The columns of the table."""
        counts = (str(count) for count in (self.passed, self.failed, self.skipped))
        return (self.cell, self.python, self.django, *counts, f"{self.seconds:.0f}", self.remark)


def read_outcomes(report: dict[str, Any], environments: Path) -> list[Outcome]:
    """The outcomes of the cells that ran or were left out, from tox's report and its environments."""
    cells = {name: cell for name, cell in report.get("testenvs", {}).items() if "result" in cell}
    return [_outcome(name, cell, environments / name) for name, cell in cells.items()]


def table(outcomes: Iterable[Outcome]) -> str:
    """The outcomes as lines of aligned columns."""
    rows = [_HEAD, *(outcome.row for outcome in outcomes)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)) for row in rows)
    return "".join(f"{line.rstrip()}\n" for line in lines)


def _outcome(name: str, cell: dict[str, Any], environment: Path) -> Outcome:
    result = cell["result"]
    if result["skipped"]:
        return Outcome(name, remark="left out: its interpreter is not installed")
    remark = "" if result["success"] else f"FAILED with exit code {result['exit_code']}"
    counts = _counts(environment / "tmp" / "junit.xml")
    return Outcome(name, _python(environment), _django(environment), *counts, result["duration"], remark)


def _counts(junit: Path) -> tuple[int, int, int]:
    if not junit.exists():  # no test ran: tox empties the directory before each run
        return 0, 0, 0
    suites = ElementTree.parse(junit).getroot().iter("testsuite")
    counted = [[int(suite.get(key, 0)) for key in _COUNTED] for suite in suites]
    tests, failures, errors, skipped = (sum(column) for column in zip(*counted, strict=True))
    return tests - failures - errors - skipped, failures + errors, skipped


def _python(environment: Path) -> str:
    made = environment / "pyvenv.cfg"
    lines = made.read_text().splitlines() if made.exists() else []
    return next((line.partition("=")[2].strip() for line in lines if line.startswith("version")), "-")


def _django(environment: Path) -> str:
    # tox's report names what is installed, but not after it has made an environment anew.
    packages = [str(directory) for directory in environment.glob("lib/python*/site-packages")]
    return next((found.version for found in distributions(name="Django", path=packages)), "-")

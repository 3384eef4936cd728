"""mypy reads the examples: what must be typed is, and what must fail does."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from demo_project.settings import BASE_DIR

EXAMPLES = BASE_DIR / "tests" / "typing" / "api.py"


def mypy(*arguments: str | Path, cache: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mypy", "--cache-dir", str(cache), *map(str, arguments)]
    return subprocess.run(
        command, cwd=BASE_DIR, capture_output=True, text=True, check=False, env={**os.environ, "MYPYPATH": ""}
    )


@pytest.fixture(scope="module")
def cache() -> Path:
    """The cache of mypy; the first run without one takes half a minute."""
    return BASE_DIR / ".mypy_cache"


def test_the_examples_are_typed_and_the_lines_that_must_fail_do(cache: Path) -> None:
    done = mypy("tests/typing", cache=cache)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Success: no issues found" in done.stdout


def test_without_their_ignores_the_lines_that_must_fail_are_the_errors(cache: Path, tmp_path: Path) -> None:
    text = EXAMPLES.read_text()
    expected = [number for number, line in enumerate(text.splitlines(), 1) if "# type: ignore[" in line]
    assert len(expected) > 20
    (tmp_path / "bare.py").write_text(text.replace("# type: ignore[", "# was ["))
    shutil.copy(BASE_DIR / "pyproject.toml", tmp_path)
    done = mypy(tmp_path / "bare.py", cache=cache)
    rows = [row for row in done.stdout.splitlines() if ": error:" in row]
    assert sorted({int(row.split(":")[1]) for row in rows}) == expected, done.stdout

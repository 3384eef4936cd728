"""``python -m tests.matrix [CELL...] -- [PYTEST'S ARGUMENTS]``: the tests in each cell, and a table of them.

tox runs the cells, one after the other; `[tool.tox]` in pyproject.toml names them. Without CELL all run.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.matrix.interpreters import search_path
from tests.matrix.outcome import read_outcomes, table

CHECKOUT = Path(__file__).resolve().parents[2]
WITHOUT_MARIADB = ["--override", "tool.tox.env_run_base.extras=postgres,redis"]


def main() -> int:
    """Run the cells that the command line names; return tox's exit code: 0 if each that ran has passed."""
    cells, arguments = split(sys.argv[1:])
    with TemporaryDirectory() as directory:
        report = Path(directory) / "report.json"
        code = run_tox(cells, arguments, report)
        ran: dict[str, Any] = json.loads(report.read_text()) if report.exists() else {}
    sys.stdout.write(f"\n{table(read_outcomes(ran, CHECKOUT / '.tox'))}")
    return code


def split(line: list[str]) -> tuple[list[str], list[str]]:
    """The cells before ``--``, and what is for pytest after it."""
    at = line.index("--") if "--" in line else len(line)
    return line[:at], line[at + 1 :]


def run_tox(cells: list[str], arguments: list[str], report: Path) -> int:
    """Run these cells, or all, with the interpreters that are installed here; none is downloaded."""
    chosen = ["-e", ",".join(cells)] if cells else []
    # What could not be built for .venv (see the Makefile) cannot be built for a cell.
    drivers = [] if find_spec("MySQLdb") else WITHOUT_MARIADB
    command = [sys.executable, "-m", "tox", "run", *chosen, *drivers, "--result-json", str(report)]
    environment = os.environ | {"PATH": search_path(), "UV_PYTHON_DOWNLOADS": "never"}
    return subprocess.run([*command, "--", *arguments], cwd=CHECKOUT, env=environment, check=False).returncode


if __name__ == "__main__":
    raise SystemExit(main())

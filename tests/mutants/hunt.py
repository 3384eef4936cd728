"""Hunting a mutant: the history run against a copy of the package with the mistake in it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.children import environment_apart
from tests.mutants.patches import Mutant

__all__ = ["Hunt", "hunt", "mutated_copy"]

ROOT = Path(__file__).parents[2]
#: What pytest exits with when a test failed.
_FAILED = 1
_COPIED = ("factos_django", "demo_project", "templates", "tests")


@dataclass(frozen=True, slots=True)
class Hunt:
    """What came of it: the guarantees that were seen broken, none if it survived or cannot run at all."""

    mutant: Mutant
    found_by: tuple[str, ...]
    seconds: float
    seed: int
    what: str

    @property
    def killed(self) -> bool:
        """Tell whether it was found out."""
        return bool(self.found_by)


def mutated_copy(mutant: Mutant, directory: Path) -> None:
    """Copy what a run needs, and make the mistake in the copy."""
    for name in _COPIED:
        shutil.copytree(ROOT / name, directory / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "manage.py", directory)  # without it no test that starts a command could pass
    for edit in mutant.edits:
        edit.apply(directory / "factos_django")


def hunt(mutant: Mutant, seconds: float, seed: int | None = None) -> Hunt:
    """Run its history against the mutant, again and again, until it is found out or the time is over."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as directory:
        mutated_copy(mutant, Path(directory))
        run = _tested if mutant.test else _said
        said = run(mutant, Path(directory), seconds, seed)
    took = time.monotonic() - began
    return Hunt(mutant, tuple(said["found_by"]), took, said["seed"], said["what"])


def _said(mutant: Mutant, directory: Path, seconds: float, seed: int | None) -> dict[str, Any]:
    about = [
        mutant.run,
        mutant.store,
        str(seconds),
        json.dumps(mutant.scenes),
        *([] if seed is None else [str(seed)]),
    ]
    done = _run(["-m", "tests.mutants.prey", *about], directory)
    lines = done.stdout.splitlines() if done.returncode == 0 else []
    failed = {"found_by": [], "seed": seed or 0, "what": f"it cannot run: {done.stderr[-2000:]}"}
    said: dict[str, Any] = json.loads(lines[-1]) if lines else failed
    return said


def _tested(mutant: Mutant, directory: Path, seconds: float, seed: int | None) -> dict[str, Any]:
    """Run its test; it is found out where that fails, not where it cannot run."""
    settings = ["-c", os.devnull, "--rootdir", ".", "-p", "no:cacheprovider", "--ds", "tests.settings"]
    done = _run(["-m", "pytest", "-q", *settings, f"tests/{mutant.test}"], directory)
    found = [mutant.test.partition("::")[2].partition("[")[0]] if done.returncode == _FAILED else []
    return {"found_by": found, "seed": seed or 0, "what": done.stdout[-2000:] + done.stderr[-2000:]}


def _run(command: list[str], directory: Path) -> subprocess.CompletedProcess[str]:
    inherited = environment_apart().items()
    # It has a package of its own, too, and a pytest.
    environment = {n: value for n, value in inherited if n != "PYTHONPATH" and not n.startswith("PYTEST_")}
    return subprocess.run(
        [sys.executable, *command],
        cwd=directory,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

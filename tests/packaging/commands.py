"""Commands, as somebody runs them who knows nothing of the tests."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

__all__ = ["environment", "run"]

_OF_THE_TESTS = ("PYTEST_", "DJANGO_", "FACTOS_", "COV_", "PYTHON")


def environment(**variables: str) -> dict[str, str]:
    """The environment without what the tests put into it, and with these variables."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_OF_THE_TESTS)}
    return kept | {"PYTHONDONTWRITEBYTECODE": "1"} | variables


def run(command: list[str], directory: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run it in the directory, and keep what it prints."""
    return subprocess.run(
        command,
        cwd=directory,
        env=environment(**variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )

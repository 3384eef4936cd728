"""Where the interpreters of the matrix are looked for: on PATH, then among pyenv's versions."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

__all__ = ["search_path"]


def search_path() -> str:
    """PATH, and after it the directories of all that pyenv has installed, whichever of it is active."""
    return os.pathsep.join([os.environ.get("PATH", os.defpath), *_of_pyenv()])


def _of_pyenv() -> list[str]:
    if shutil.which("pyenv") is None:
        return []
    asked = subprocess.run(["pyenv", "root"], stdout=subprocess.PIPE, text=True, check=True)
    return sorted(str(found) for found in Path(asked.stdout.strip()).glob("versions/*/bin"))

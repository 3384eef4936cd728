"""A disk that is small enough to be filled: a file system in memory of its own."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from errno import ENOSPC
from pathlib import Path

__all__ = ["SmallDisk", "small_disk", "why_no_small_disk"]

_PIECE = b"\0" * 2**16


class SmallDisk:
    """A directory on it, and what fills it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._ballast = directory / "ballast"

    def fill(self) -> None:
        """Leave no room for a byte."""
        with self._ballast.open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(_PIECE)
            except OSError as error:
                if error.errno != ENOSPC:
                    raise

    def clear(self) -> None:
        """Give the room back."""
        self._ballast.unlink(missing_ok=True)


def why_no_small_disk() -> str:
    """Return why no file system can be mounted here, or an empty string."""
    if os.geteuid() != 0:
        return "only root may mount a small disk"
    with suppress(OSError, subprocess.CalledProcessError), small_disk(1):
        return ""
    return "no file system can be mounted here"


@contextmanager
def small_disk(mebibytes: int) -> Iterator[SmallDisk]:
    """Mount a disk of this size; whatever is left on it goes with it."""
    directory = tempfile.mkdtemp(prefix="factos-disk-")
    size = f"size={mebibytes}m,mode=1777"
    subprocess.run(["mount", "-t", "tmpfs", "-o", size, "factos", directory], check=True, capture_output=True)
    try:
        yield SmallDisk(Path(directory))
    finally:
        # Lazily: a process that is about to end may still have something open.
        subprocess.run(["umount", "--lazy", directory], check=True)
        os.rmdir(directory)

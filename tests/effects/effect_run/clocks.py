"""A clock of its own for a process, which may be wrong, and step: libfaketime, told by a file."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

__all__ = ["Clock", "why_no_clocks"]

_LIBRARY = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)


def why_no_clocks() -> str:
    """Return why no process can have a clock of its own here, or an empty string."""
    return "" if _LIBRARY else "libfaketime is not installed"


class Clock:
    """One of them; ``settings`` stand in the environment of the process."""

    def __init__(self, file: Path, hours: int) -> None:
        self._file = file
        self.step(hours)
        self.settings = {
            "LD_PRELOAD": str(_LIBRARY),
            "FAKETIME_TIMESTAMP_FILE": str(file),
            "FAKETIME_NO_CACHE": "1",
            # Waits end when they are to end: what is wrong is the time of day.
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }

    def step(self, hours: int) -> None:
        """Be wrong by so many hours from now on."""
        self._file.write_text(f"{hours:+d}h\n")

    @staticmethod
    def is_wrong_in(output: str) -> bool:
        """Tell whether a line that a Celery worker has printed bears another day than today's."""
        today = f"[{datetime.now():%Y-%m-%d}"  # noqa: DTZ005 (as the worker prints it)
        return any(line.startswith("[2") and not line.startswith(today) for line in output.splitlines())

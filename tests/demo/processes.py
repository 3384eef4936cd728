"""Which processes of the demo run, as Linux tells it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import quote

from tests.faults.actors import PATIENCE

__all__ = ["environment_of_demo", "lives", "processes_on", "sqlite_at", "until"]

_FOREIGN = ("DJANGO_SETTINGS_MODULE", "MAKEFLAGS", "MAKELEVEL", "FACTOS_GUARD", "FACTOS_TEST_NAMES", "DEBUG",
            "PORT", "FACTS", "CELERY_BROKER_URL")  # fmt: skip


def sqlite_at(path: Path) -> str:
    """Return the URL of a database file."""
    return f"sqlite:///{quote(str(path))}"


def environment_of_demo(url: str, **others: str) -> Mapping[str, str]:
    """Return the environment of a demo on the database at ``url``, without what is the test's own."""
    kept = {name: value for name, value in os.environ.items() if name not in _FOREIGN}
    return kept | {"DATABASE_URL": url} | others


def processes_on(path: Path) -> list[str]:
    """Return the command of each process that has the database at ``path`` in its environment."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if str(path).encode() in (process / "environ").read_bytes():
                found.append((process / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue  # it has ended, or is nobody's
    return found


def lives(pid: int) -> bool:
    """Tell whether it runs; one that has ended, and that nobody has asked how, does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0]
    except OSError:
        return False
    return state != "Z"


def until(condition: Callable[[], object], patience: float = PATIENCE) -> None:
    """Wait for it."""
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)

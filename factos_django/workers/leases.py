"""Leases: who works on what, until when, by the clock of the database.

A lease ends early when its holder is seen to be dead: a process of this machine that is no longer there.
Tokens, not leases, keep two holders apart: see ``states`` and ``runs``.
"""

from __future__ import annotations

import os
import socket
from datetime import UTC, datetime
from secrets import token_hex

from django.db import connections

__all__ = ["database_now", "is_free", "this_worker"]

_NOW = {
    "postgresql": "SELECT clock_timestamp() AT TIME ZONE 'UTC'",
    "mysql": "SELECT UTC_TIMESTAMP(6)",
}

_made: tuple[int, str] = (0, "")


def this_worker() -> str:
    """Return what names this process: host, process id, and a random part, for ids are used again."""
    global _made  # a fork is another worker
    if _made[0] != os.getpid():
        _made = (os.getpid(), f"{_host()}:{os.getpid()}:{token_hex(4)}")
    return _made[1]


def _host() -> str:
    """Return where process ids mean the same: containers may share a name, but not their processes."""
    try:
        return f"{socket.gethostname()}/{os.stat('/proc/self/ns/pid').st_ino}"
    except OSError:  # no Linux
        return socket.gethostname()


def database_now(using: str) -> datetime:
    """Return the time by the database's clock, in UTC. SQLite has that of this machine."""
    statement = _NOW.get(connections[using].vendor)
    if statement is None:
        return datetime.now(UTC)
    with connections[using].cursor() as cursor:
        cursor.execute(statement)
        (moment,) = cursor.fetchone()
    return moment.replace(tzinfo=UTC) if isinstance(moment, datetime) else datetime.now(UTC)


def is_free(worker: str, leased_until: datetime | None, now: datetime) -> bool:
    """Tell whether somebody else may take what ``worker`` has leased."""
    return not worker or leased_until is None or leased_until <= now or _is_dead(worker)


def _is_dead(worker: str) -> bool:
    host, _, rest = worker.rpartition(":")[0].rpartition(":")
    if host != _host() or not rest.isdecimal():
        return False
    try:
        os.kill(int(rest), 0)
    except ProcessLookupError:
        return True
    except OSError:  # it is somebody else's, and there
        return False
    return False

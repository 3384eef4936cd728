"""Leases: who works on what, until when, by the clock of the database.

A lease ends early when its holder is seen to be dead: a process of this machine that is no longer there.
Tokens, not leases, keep two holders apart: see ``states`` and ``runs``.
"""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from secrets import token_hex
from typing import Any

from django.db import connections
from django.db.models import Field
from django.db.models.expressions import RawSQL

from factos_django.models.fields import MomentField

__all__ = ["Moments", "clock_column", "database_now", "is_free", "moment_in", "this_worker"]

_NOW = {
    "postgresql": "clock_timestamp() AT TIME ZONE 'UTC'",
    "mysql": "UTC_TIMESTAMP(6)",
}
#: The same for each row and column of a statement.
_LATER = "(statement_timestamp() + %s)"

_made: tuple[int, str] = (0, "")


def this_worker() -> str:
    """Return what names this process: host, process id, and a random part, for ids are used again."""
    global _made  # a fork is another worker
    if _made[0] != os.getpid():
        _made = (os.getpid(), f"{_host()}:{os.getpid()}:{token_hex(4)}")
    return _made[1]


def _host() -> str:
    """Return where process ids mean the same: containers and machines may share a name, not their processes.

    (The first namespace of process ids has the same number on every Linux, and others are often alike.)
    """
    name = socket.gethostname()
    try:
        namespace = os.stat("/proc/self/ns/pid").st_ino
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii")
    except OSError:  # no Linux
        return name
    return f"{name}/{boot[:8]}.{namespace}"


def database_now(using: str) -> datetime:
    """Return the time by the database's clock, in UTC. SQLite has that of this machine."""
    expression = _NOW.get(connections[using].vendor)
    if expression is None:
        return datetime.now(UTC)
    with connections[using].cursor() as cursor:
        cursor.execute(f"SELECT {expression}")
        return moment_in(cursor.fetchone()[0])


def clock_column(using: str) -> RawSQL:
    """Return a column with the time by the database's clock, which a SELECT tells with its other columns.

    ``moment_in`` reads it.
    """
    # A Field of no kind: of a moment Django would think that it is told in the time zone of the database.
    return RawSQL(_NOW.get(connections[using].vendor, "NULL"), (), output_field=Field())


def moment_in(told: object) -> datetime:
    """Return the moment, in UTC, that the database has told. SQLite tells none."""
    return told.replace(tzinfo=UTC) if isinstance(told, datetime) else datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Moments:
    """Moments by the database's clock, for the columns of one INSERT or UPDATE.

    PostgreSQL computes them within that statement. Elsewhere the time is asked for before.
    """

    now: datetime | None

    @classmethod
    def of(cls, using: str) -> Moments:
        """Return those of the statement that comes next."""
        return cls(None if connections[using].vendor == "postgresql" else database_now(using))

    def after(self, seconds: float = 0.0) -> Any:
        """Return what is to be written for the moment ``seconds`` from now."""
        pause = timedelta(seconds=seconds)
        return RawSQL(_LATER, (pause,), MomentField()) if self.now is None else self.now + pause


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

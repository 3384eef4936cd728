"""What went wrong with an event, and whether it would go wrong again."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import Error, connections

from factos_django.core.errors import LeaseLost, StoreError
from factos_django.core.event import Recorded
from factos_django.store.database_errors import Meaning, meaning_of

__all__ = ["Failure", "is_transient"]

#: PostgreSQL gave a statement up, for its time was over or somebody wanted it; it has no more disk, memory or
#: connections; it only reads; its disk failed.
_OF_THE_SERVER = ("57014", "53", "25006", "58")
#: The same of MariaDB: a full disk or table, no memory, too many connections, it only reads.
_OF_MARIADB = {1021, 1114, 1037, 1038, 1041, 1040, 1203, 1290, 1792, 1836}

_TRANSIENT = {Meaning.BUSY, Meaning.LOCKED_AT_ONCE, Meaning.BROKEN_OFF, Meaning.LOST}

#: Characters of a traceback that are kept, of its end.
_TRACEBACK_KEPT = 20_000


@dataclass(frozen=True, slots=True)
class Failure:
    """An event that could not be folded, and the error in words."""

    position: int
    event: UUID | None
    error: str
    traceback: str

    @classmethod
    def of(cls, error: BaseException, recorded: Recorded[Any]) -> Failure:
        """Return the failure of ``recorded`` by ``error``."""
        return cls.at(error, recorded.position, recorded.id)

    @classmethod
    def at(cls, error: BaseException, position: int, event: UUID | None) -> Failure:
        """Return the failure of the event at ``position``."""
        told = "".join(traceback.format_exception(error))[-_TRACEBACK_KEPT:]
        return cls(position, event, _storable(f"{type(error).__name__}: {error}"), _storable(told))


def is_transient(error: BaseException, using: str) -> bool:
    """Tell whether ``error`` is of the moment, not of the event: the same again may well succeed."""
    if isinstance(error, (StoreError, LeaseLost, MemoryError)):
        return True
    if not isinstance(error, Error):
        return False
    return _is_of_the_server(error, using) or meaning_of(error, connections[using]) in _TRANSIENT


def _is_of_the_server(error: Error, using: str) -> bool:
    if connections[using].vendor == "mysql":
        return bool(error.args) and error.args[0] in _OF_MARIADB
    return (getattr(error.__cause__, "sqlstate", None) or "").startswith(_OF_THE_SERVER)


def _storable(text: str) -> str:
    return text.encode(errors="replace").decode().replace("\0", "\\0")

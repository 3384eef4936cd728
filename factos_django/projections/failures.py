"""What went wrong with an event, and whether it would go wrong again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import Error, connections

from factos_django.core.errors import LeaseLost, StoreError
from factos_django.core.event import Recorded
from factos_django.store.database_errors import Meaning, meaning_of
from factos_django.workers.error_text import error_in_words, traceback_of

__all__ = ["Failure", "is_transient"]

#: PostgreSQL gave a statement up, for its time was over or somebody wanted it; it has no more disk, memory or
#: connections; it only reads; its disk failed.
_OF_THE_SERVER = ("57014", "53", "25006", "58")
#: The same of MariaDB: a full disk or table, no memory, too many connections, it only reads.
_OF_MARIADB = {1021, 1114, 1037, 1038, 1041, 1040, 1203, 1290, 1792, 1836}

_TRANSIENT = {Meaning.BUSY, Meaning.LOCKED_AT_ONCE, Meaning.BROKEN_OFF, Meaning.LOST}


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
        return cls(position, event, error_in_words(error), traceback_of(error))


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

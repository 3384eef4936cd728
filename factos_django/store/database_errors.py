"""What the errors of three databases mean to an append."""

from __future__ import annotations

from enum import Enum, auto

from django.db import Error, IntegrityError, InterfaceError, OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper

from factos_django.sql.postgresql import SEQUENCE_BEHIND, STANDBY, WRONG_ISOLATION

__all__ = ["Meaning", "meaning_of"]


class Meaning(Enum):
    """What to do about an error."""

    BUSY = auto()
    """A lock was not given in time; nothing of this transaction is lost."""
    LOCKED_AT_ONCE = auto()
    """SQLite refused without waiting: wait and try again, if the transaction is ours."""
    BROKEN_OFF = auto()
    """The transaction must run again from its beginning."""
    WRONG_ISOLATION = auto()
    SEQUENCE_BEHIND = auto()
    STANDBY = auto()
    LOST = auto()
    """The connection failed; during COMMIT this means that nobody knows."""
    OTHER = auto()


_POSTGRESQL = {
    "55P03": Meaning.BUSY,
    "40001": Meaning.BROKEN_OFF,
    "40P01": Meaning.BROKEN_OFF,
    WRONG_ISOLATION: Meaning.WRONG_ISOLATION,
    SEQUENCE_BEHIND: Meaning.SEQUENCE_BEHIND,
    STANDBY: Meaning.STANDBY,
}
# Lock wait timeout; deadlock, changed row under snapshot isolation, auto-increment lock refused.
_MARIADB = {1205: Meaning.BUSY, 1213: Meaning.BROKEN_OFF, 1020: Meaning.BROKEN_OFF, 1467: Meaning.BROKEN_OFF}
_SQLITE = {
    "SQLITE_BUSY": Meaning.BUSY,
    "SQLITE_BUSY_SNAPSHOT": Meaning.BROKEN_OFF,
    "SQLITE_BUSY_RECOVERY": Meaning.BUSY,
    "SQLITE_LOCKED": Meaning.LOCKED_AT_ONCE,
    "SQLITE_LOCKED_SHAREDCACHE": Meaning.LOCKED_AT_ONCE,
}


def meaning_of(error: Error, connection: BaseDatabaseWrapper) -> Meaning:
    """Return what ``error``, raised through Django by ``connection``, means."""
    cause = error.__cause__
    known = {
        "postgresql": _POSTGRESQL.get(
            getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None) or ""
        ),
        "mysql": _MARIADB.get(error.args[0] if error.args and isinstance(error.args[0], int) else 0),
        "sqlite": _SQLITE.get(getattr(cause, "sqlite_errorname", "")),
    }.get(connection.vendor)
    if known is not None:
        return known
    failed = isinstance(error, (OperationalError, InterfaceError)) and not isinstance(error, IntegrityError)
    return Meaning.LOST if failed else Meaning.OTHER

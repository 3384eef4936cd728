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
    # Too long idle in a transaction, too long a transaction: the server has closed the connection.
    "25P03": Meaning.LOST,
    "25P04": Meaning.LOST,
    WRONG_ISOLATION: Meaning.WRONG_ISOLATION,
    SEQUENCE_BEHIND: Meaning.SEQUENCE_BEHIND,
    STANDBY: Meaning.STANDBY,
}
# Lock wait timeout; deadlock, changed row under snapshot isolation, auto-increment lock refused.
_MARIADB = {1205: Meaning.BUSY, 1213: Meaning.BROKEN_OFF, 1020: Meaning.BROKEN_OFF, 1467: Meaning.BROKEN_OFF}
# Connection exceptions; shutdown, crash and "not now" of the server; too long idle.
_LOST_STATES = ("08", "57P01", "57P02", "57P03", "57P05")
# Of MariaDB's client, the older numbers and the newer ones. Where COMMIT loses the server, Django connects
# again, and what is raised may be that this was refused.
_OF_CLIENT = (range(2000, 3000), range(5000, 6000))
# Of the server: it shuts down, breaks off, cannot read or write; it killed the session, or found it idle.
_LOST_NUMBERS = {0, 1053, 1152, 1158, 1159, 1160, 1161, 1184, 1927, 4031}
_SQLITE = {
    "SQLITE_BUSY": Meaning.BUSY,
    "SQLITE_BUSY_SNAPSHOT": Meaning.BROKEN_OFF,
    "SQLITE_BUSY_RECOVERY": Meaning.BUSY,
    "SQLITE_LOCKED": Meaning.LOCKED_AT_ONCE,
    "SQLITE_LOCKED_SHAREDCACHE": Meaning.LOCKED_AT_ONCE,
    "SQLITE_ERROR": Meaning.OTHER,  # of the statement: a table or a column that is not there
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
    return Meaning.LOST if failed and not _is_answer(error, connection.vendor) else Meaning.OTHER


def _is_answer(error: Error, vendor: str) -> bool:
    """Tell whether a server that goes on said no: a time limit, a full disk, a statement it cannot read."""
    if vendor == "postgresql":
        state = getattr(error.__cause__, "sqlstate", None) or ""
        return bool(state) and not state.startswith(_LOST_STATES)
    number = error.args[0] if error.args else 0
    if vendor != "mysql" or not isinstance(number, int):
        return False
    return number not in _LOST_NUMBERS and not any(number in numbers for numbers in _OF_CLIENT)

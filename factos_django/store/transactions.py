"""The transaction of an append: ours when none is open, a savepoint of the caller's when one is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import Error, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from factos_django.conf import conf
from factos_django.core.errors import (
    OutcomeUnknown,
    RetryTransaction,
    SequenceBehindLog,
    StandbyRefused,
    StoreBusy,
    WrongIsolation,
)
from factos_django.store.database_errors import Meaning, meaning_of
from factos_django.store.waits import bounded_begin, bounded_waits

__all__ = ["LockedAtOnce", "explaining", "guarded_work", "is_testcase", "owns_transaction", "unit_of_work"]


class LockedAtOnce(StoreBusy):
    """{using!r} is locked by another connection that shares its cache; it refused without waiting."""


def owns_transaction(using: str) -> bool:
    """Tell whether a transaction begun now would be the outermost one, and so ours to retry."""
    connection = connections[using]
    return connection.get_autocommit() and not connection.in_atomic_block


def is_testcase(using: str) -> bool:
    """Tell whether the innermost transaction is that of a test case, which stands for none."""
    blocks = connections[using].atomic_blocks
    return bool(blocks) and bool(getattr(blocks[-1], "_from_testcase", False))  # as atomic(durable=True) does


@contextmanager
def unit_of_work(using: str) -> Iterator[None]:
    """Run the block in a transaction, or in a savepoint of the one that is open.

    Raises:
        StoreBusy: A lock was not given within FACTOS_LOCK_TIMEOUT_SECONDS.
        RetryTransaction: The database broke the transaction off.
        OutcomeUnknown: The connection failed before our COMMIT was answered.
    """
    ours = owns_transaction(using)
    ended = False
    session = _session(using) if ours else None
    try:
        with bounded_begin(using), transaction.atomic(using=using):
            yield
            ended = True
    except Error as error:
        if ours:
            _give_up_lost_session(error, using, session, may_be_done=ended)
        _raise_explained(error, using)
        raise


@contextmanager
def guarded_work(using: str, *, one_statement: bool = False, writes: bool = True) -> Iterator[None]:
    """Run the block as ``unit_of_work`` does, and bound the wait of each of its statements.

    With ``one_statement`` the block is one: where no transaction is open, it is one by itself. (Unless the
    project asks for an isolation, which psycopg sets at BEGIN: such a transaction is to be refused.)
    """
    isolation = connections[using].settings_dict.get("OPTIONS", {}).get("isolation_level")
    by_itself = one_statement and isolation is None and owns_transaction(using)
    work = _statement(using, writes=writes) if by_itself else unit_of_work(using)
    with work, bounded_waits(using):
        yield


@contextmanager
def _statement(using: str, *, writes: bool) -> Iterator[None]:
    """Run one statement in autocommit mode, with the errors of ``unit_of_work``."""
    session = _session(using)  # where this fails, nothing was asked
    try:
        yield
    except Error as error:
        _give_up_lost_session(error, using, session, may_be_done=writes)
        _raise_explained(error, using)
        raise


@contextmanager
def explaining(using: str) -> Iterator[None]:
    """Raise our errors for those of the database, as ``unit_of_work`` does, without a transaction."""
    try:
        yield
    except Error as error:
        _raise_explained(error, using)
        raise


def _session(using: str) -> Any:
    """Return the driver's connection, a new one where it is known to be closed."""
    connection = connections[using]
    if getattr(connection.connection, "closed", False):
        connection.close()
    connection.ensure_connection()
    return connection.connection


def _give_up_lost_session(error: Error, using: str, session: Any, *, may_be_done: bool) -> None:
    """Close a connection that failed, so that the next statement opens another; raise OutcomeUnknown.

    Django itself closes it at the end of a request, which not every process serves. The error may also be
    another connection's, which the application uses beside this one: then ``session`` goes on.
    """
    connection = connections[using]
    if meaning_of(error, connection) is not Meaning.LOST:
        return
    if connection.vendor != "sqlite" and connection.connection is session:
        if connection.is_usable():
            return
        connection.close()
    if may_be_done:
        raise OutcomeUnknown(using=using) from error


def _raise_explained(error: Error, using: str) -> None:
    explained = _explained(error, using)
    if explained is not error:
        raise explained from error


def _explained(error: Error, using: str) -> Exception:
    connection = connections[using]
    seconds = float(conf.LOCK_TIMEOUT_SECONDS)
    match meaning_of(error, connection):
        case Meaning.BUSY:
            return StoreBusy(using=using, seconds=seconds)
        case Meaning.LOCKED_AT_ONCE:
            return LockedAtOnce(using=using, seconds=seconds)
        case Meaning.BROKEN_OFF:
            _forget_transaction(connection)
            return RetryTransaction(using=using, reason=str(error.__cause__ or error).strip())
        case Meaning.WRONG_ISOLATION:
            return WrongIsolation(using=using, isolation=_first_line(error))
        case Meaning.SEQUENCE_BEHIND:
            return SequenceBehindLog(using=using)
        case Meaning.STANDBY:
            return StandbyRefused(using=using)
        case _:
            return error


def _forget_transaction(connection: BaseDatabaseWrapper) -> None:
    # After a deadlock MariaDB has rolled back everything, not the savepoint alone. Whoever caught the
    # error and went on would commit the second half of his work.
    if connection.vendor == "mysql" and connection.in_atomic_block:
        connection.needs_rollback = True


def _first_line(error: Error) -> str:
    return str(error.__cause__ or error).partition("\n")[0]

"""Sessions: real connections, each in a thread of its own, led step by step by the test."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Any, ParamSpec, TypeVar

import pytest
from django.db import Error, connections, transaction

from factos_django.guards.contract import Guard
from factos_django.guards.log import LogGuardByRow
from factos_django.guards.tags import LockedTags
from factos_django.testing import StoreLog
from tests.stores import STORES, flushed

__all__ = ["PATIENCE", "Pause", "Session", "guard_of_session", "under_log", "under_tags", "until"]

P = ParamSpec("P")
R = TypeVar("R")

#: How long a step of a test may take before it counts as stuck (seconds). Nothing waits for it to pass.
PATIENCE = 10.0
_POLL = 0.01

_GUARDS: dict[str, type[LogGuardByRow] | type[LockedTags]] = {"log": LogGuardByRow, "tags": LockedTags}
_here = threading.local()

_BLOCKERS = "SELECT unnest(pg_blocking_pids(%s))"
_OWN_PID = {"postgresql": "SELECT pg_backend_pid()", "mysql": "SELECT connection_id()"}
_WAITING = "SELECT count(*) FROM pg_stat_activity WHERE pid = %s AND wait_event_type = 'Lock'"
_CANCEL = {"postgresql": "SELECT pg_cancel_backend(%s)", "mysql": "KILL QUERY %s"}


def _stores(guard: str) -> Any:
    chosen = [store for store in STORES if store.guard == guard and store.using != "default"]
    cases = [pytest.param(store, id=store.id, marks=[flushed(store.using)]) for store in chosen]
    return pytest.mark.parametrize("store", cases, indirect=True)


#: As tests.stores.on_databases, for what one guard alone can do or get wrong, on servers.
under_tags = _stores("tags")
under_log = _stores("log")


def until(condition: Callable[[], bool], what: str) -> None:
    """Poll until ``condition`` holds; fail with ``what`` if it never does."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"never seen: {what}"
        time.sleep(_POLL)


def guard_of_session(otherwise: Callable[[str], Guard]) -> Callable[[str], Guard]:
    """A ``guard_for`` by which each session may have a guard of its own: two processes in one."""

    def guard_for(using: str) -> Guard:
        name: str | None = getattr(_here, "guard", None)
        return otherwise(using) if name is None else _GUARDS[name]()

    return guard_for


class Session:
    """A connection to one database, in its own thread.

    ``start`` hands it work and returns at once; ``run`` waits for the result as well.
    """

    def __init__(self, using: str, name: str, guard: str | None = None) -> None:
        self.using, self.name, self.log = using, name, StoreLog(using)
        self.vendor = connections[using].vendor
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"session {name}")
        self._last: Future[Any] | None = None
        self._block: AbstractContextManager[Any] | None = None
        self.pid: int = self.run(self._open, guard)

    def start(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> Future[R]:
        """Begin ``work`` in this session."""
        future = self._thread.submit(work, *args, **kwargs)
        self._last = future
        return future

    def run(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Do ``work`` in this session and return what it returned; it is not expected to wait."""
        return self.start(work, *args, **kwargs).result(PATIENCE)

    def sql(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Execute one statement and return its rows."""
        return self.run(self.execute, statement, *parameters)

    def execute(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Do the same inside the thread."""
        with connections[self.using].cursor() as cursor:
            cursor.execute(statement, parameters or None)
            return list(cursor.fetchall()) if cursor.description else []

    def begin(self) -> None:
        """Open a transaction that stays open until ``commit`` or ``rollback``."""
        self.run(self._begin)

    def commit(self) -> None:
        """Commit it."""
        self.run(self._end, None)

    def rollback(self) -> None:
        """Roll it back."""
        self.run(self._end, _Undone())

    def savepoint(self) -> AbstractContextManager[Any]:
        """A block of the open transaction, for use inside the thread."""
        return transaction.atomic(using=self.using)

    def break_deadlocks_after(self, duration: str) -> None:
        """How soon PostgreSQL looks for a deadlock: late, and a test sees one that a retry would hide."""
        self.sql(f"SET deadlock_timeout = '{duration}'")

    def advisory_locks(self) -> int:
        """How many it holds."""
        counted = "SELECT count(*) FROM pg_locks WHERE pid = %s AND locktype = 'advisory' AND granted"
        return int(self._ask(counted, self.pid)[0][0])

    def see_waiting(self, by: "Session | None" = None) -> None:
        """Return once the server says that this session waits for a lock (that ``by`` holds or waits for).

        Fail if it ends its work instead. MariaDB is not asked for whom it waits.
        """
        with_whom = f" for {by.name}" if by else ""
        until(lambda: self._waits(by), f"session {self.name} waiting{with_whom}")

    def close(self) -> None:
        """End whatever it does, and the connection."""
        if self._last is not None and not self._last.done() and self.vendor in _CANCEL:
            self._ask(_CANCEL[self.vendor], self.pid)
        if self._block is not None:
            self._thread.submit(self._end, _Undone())
        self._thread.submit(connections[self.using].close)
        self._thread.submit(connections.close_all)
        self._thread.shutdown()

    def _open(self, guard: str | None) -> int:
        _here.guard = guard
        connections[self.using].ensure_connection()
        return self.execute(_OWN_PID[self.vendor])[0][0] if self.vendor in _OWN_PID else 0

    def _begin(self) -> None:
        block = transaction.atomic(using=self.using)
        block.__enter__()
        self._block = block

    def _end(self, error: Exception | None) -> None:
        block, self._block = self._block, None
        assert block is not None, f"session {self.name} has no open transaction"
        block.__exit__(type(error) if error else None, error, None)

    def _waits(self, by: "Session | None") -> bool:
        if self._last is not None and self._last.done():
            raise AssertionError(f"session {self.name} did not wait: {self._outcome()}")
        if self.vendor == "mysql":
            return self._waits_in_innodb()
        if by is not None:
            return (by.pid,) in self._ask(_BLOCKERS, self.pid)
        return self._ask(_WAITING, self.pid) == [(1,)]

    def _waits_in_innodb(self) -> bool:
        # Not innodb_trx: what that says is kept for all who ask until nobody has asked for 0.1 s.
        status = self._ask("SHOW ENGINE INNODB STATUS")[0][2]
        mine = [part for part in status.split("---TRANSACTION ") if f"thread id {self.pid}," in part]
        return any("LOCK WAIT" in part for part in mine)

    def _outcome(self) -> str:
        assert self._last is not None
        error = self._last.exception()
        return f"it raised {error!r}" if error else f"it returned {self._last.result()!r}"

    def _ask(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Ask over the test's own connection."""
        try:
            with connections[self.using].cursor() as cursor:
                cursor.execute(statement, parameters or None)
                return list(cursor.fetchall()) if cursor.description else []
        except Error as error:
            raise AssertionError(f"cannot ask about session {self.name}") from error


class _Undone(Exception):
    """The transaction is to be rolled back."""


class Pause:
    """A place where a session stops, once, until the test lets it go on."""

    def __init__(self) -> None:
        self._reached, self._going = threading.Event(), threading.Event()

    def __call__(self) -> None:
        """Stop here; called by the session."""
        if not self._reached.is_set():
            self._reached.set()
            assert self._going.wait(PATIENCE), "nobody let the session go on"

    def reached(self) -> None:
        """Return once the session has stopped here; called by the test."""
        assert self._reached.wait(PATIENCE), "the session never came to the pause"

    def go_on(self) -> None:
        """Let it go on."""
        self._going.set()

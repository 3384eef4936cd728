"""Under any isolation but READ COMMITTED a check can read an old snapshot, so it is refused."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connections

from factos_django import AppendConditionFailed, Query, StoreError, WrongIsolation
from tests.guards.conftest import Opener, Sql
from tests.guards.facts import add, everything_in, noted, saw, since, tagged, weighing
from tests.guards.sessions import Session
from tests.stores import Store, on_databases

OPERATIONS: dict[str, Callable[[Session], Any]] = {
    "append": lambda a: a.log.append([noted("x", "t")]),
    "append under a condition": lambda a: a.log.append([noted("x", "t")], condition=since(tagged("t"))),
    "dispatch": lambda a: a.log.dispatch(add("x", "t"), decider=weighing, query=tagged("t")),
    "dispatch by two tags": lambda a: a.log.dispatch(
        add("x", "t", "u"), decider=weighing, query=tagged("t", "u")
    ),
    "head": lambda a: a.log.head(),
    "read": lambda a: list(a.log.read(Query.all())),
    "read_context": lambda a: a.log.read_context(tagged("t"), weighing),
}
LEVELS = ["REPEATABLE READ", "SERIALIZABLE"]


def set_session(session: Session, level: str) -> None:
    characteristics = "SESSION CHARACTERISTICS AS" if session.vendor == "postgresql" else "SESSION"
    session.sql(f"SET {characteristics} TRANSACTION ISOLATION LEVEL {level}")


@pytest.mark.parametrize("nested", [False, True], ids=["alone", "nested"])
@pytest.mark.parametrize("level", LEVELS)
@on_databases("postgres", "mariadb")
def test_every_operation_refuses_a_session_of_another_isolation(
    store: Store, session: Opener, level: str, nested: bool
) -> None:
    """Row 2 and A3: an export, a rebuild or user code at REPEATABLE READ; not append alone."""
    a = session("a")
    set_session(a, level)
    for operation in OPERATIONS.values():
        if nested:
            a.begin()
        with pytest.raises(WrongIsolation):
            a.run(operation, a)
        if nested:
            a.rollback()
    assert everything_in(store.using) == []


@pytest.mark.parametrize("level", LEVELS)
@on_databases("postgres")
def test_every_operation_refuses_a_transaction_of_another_isolation(
    store: Store, session: Opener, level: str
) -> None:
    """Row 2 and A3, for SET TRANSACTION, which says it for one transaction alone."""
    a = session("a")
    for operation in OPERATIONS.values():
        a.begin()
        a.sql(f"SET TRANSACTION ISOLATION LEVEL {level}")
        with pytest.raises(WrongIsolation):
            a.run(operation, a)
        a.rollback()
    assert everything_in(store.using) == []


@on_databases("postgres")
def test_read_uncommitted_is_read_committed_on_postgresql(store: Store, session: Opener) -> None:
    a = session("a")
    set_session(a, "READ UNCOMMITTED")
    for name in ("append", "dispatch", "head", "read", "read_context"):
        a.run(OPERATIONS[name], a)


@on_databases("mariadb")
def test_read_uncommitted_is_refused_on_mariadb(store: Store, session: Opener) -> None:
    """There it would read what others have not committed."""
    a = session("a")
    set_session(a, "READ UNCOMMITTED")
    for operation in OPERATIONS.values():
        with pytest.raises(WrongIsolation):
            a.run(operation, a)


def set_next(session: Session, level: str) -> None:
    """SET TRANSACTION on MariaDB: for the next transaction alone; the session's variables do not tell."""
    session.sql(f"SET TRANSACTION ISOLATION LEVEL {level}")


@on_databases("mariadb")
def test_one_transaction_of_another_isolation_never_decides_from_its_old_snapshot(
    store: Store, session: Opener
) -> None:
    """A3 and A4: SET TRANSACTION right before the transaction, which reads before it decides."""
    a, b = session("a"), session("b")
    set_next(a, "REPEATABLE READ")
    a.begin()
    assert a.sql("SELECT count(*) FROM factos_event") == [(0,)]  # the snapshot
    b.run(b.log.append, [noted("between", "t")])
    with pytest.raises((StoreError, AppendConditionFailed)):
        a.run(a.log.append, [noted("stale", "t")], condition=since(tagged("t")))
    a.rollback()


@on_databases("mariadb")
def test_one_dispatch_of_another_isolation_never_decides_from_its_old_snapshot(
    store: Store, session: Opener
) -> None:
    """A3 and A4, for dispatch: nothing but the query with two tags reads before the guard."""
    a, b = session("a"), session("b")
    set_next(a, "REPEATABLE READ")
    a.begin()
    assert a.sql("SELECT count(*) FROM factos_event") == [(0,)]
    b.run(b.log.append, [noted("between", "t")])
    try:
        done = a.run(a.log.dispatch, add("mine", "t"), decider=weighing, query=tagged("t"))
    except StoreError:
        a.rollback()
        return  # refused
    assert saw(done) == ("between",)
    a.rollback()


@on_databases("mariadb")
def test_one_read_of_another_isolation_is_never_torn(store: Store, session: Opener) -> None:
    """A3: a whole old snapshot is old, and nothing worse: its head and its rows agree."""
    a, b = session("a"), session("b")
    b.run(b.log.append, [noted("first", "t")])
    set_next(a, "REPEATABLE READ")
    a.begin()
    assert a.sql("SELECT count(*) FROM factos_event") == [(1,)]
    (between,) = b.run(b.log.append, [noted("between", "t")])
    try:
        context = a.run(a.log.read_context, tagged("t"), weighing)
    except StoreError:
        a.rollback()
        return
    a.rollback()
    assert (context.state, context.position < between.position) == (("first",), True)


@on_databases("postgres")
def test_a_long_snapshot_elsewhere_neither_blocks_nor_misleads(
    store: Store, session: Opener, sql: Sql
) -> None:
    """A4: a dump in another session; only who is appending holds the head."""
    a, dump = session("a"), session("dump")
    dump.begin()
    dump.sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    assert dump.sql("SELECT count(*) FROM factos_event") == [(0,)]
    (first,) = a.run(a.log.append, [noted("first", "t")])
    assert a.run(a.log.head) == first.position
    dump.rollback()


@on_databases("postgres", "mariadb")
def test_the_functions_and_the_tests_run_at_read_committed(store: Store) -> None:
    """What Django gives a connection, so that nobody has to configure it."""
    with connections[store.using].cursor() as cursor:
        cursor.execute("SHOW transaction_isolation" if store.using == "postgres" else "SELECT @@tx_isolation")
        assert cursor.fetchone()[0].lower().replace("-", " ") == "read committed"

"""Every wait is bounded, says StoreBusy, stores nothing, and leaves the session's own limits alone (G10)."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import Error

from factos_django import AppendConditionFailed, Query, QueryItem, StoreBusy
from tests.guards.conftest import Opener
from tests.guards.facts import add, everything_in, hold_tags, noted, since, tagged, weighing
from tests.guards.sessions import PATIENCE, Session, under_log, under_tags
from tests.stores import Store, on_databases

LIMIT = 0.3
#: Longer than LIMIT on every database (MariaDB counts whole seconds), and shorter than their own limits.
SOON = 3.0

#: How the limit of a session reads, and what it is set to before the test.
OWN_LIMITS = {
    "postgresql": ("SHOW lock_timeout", "SET lock_timeout = '7s'"),
    "mysql": ("SELECT @@innodb_lock_wait_timeout", "SET SESSION innodb_lock_wait_timeout = 7"),
    "sqlite": ("PRAGMA busy_timeout", "PRAGMA busy_timeout = 7000"),
}

OPERATIONS: dict[str, Callable[[Session], Any]] = {
    "append": lambda a: a.log.append([noted("x", "t")]),
    "append under a condition": lambda a: a.log.append([noted("x", "u")], condition=since(tagged("t"))),
    "dispatch": lambda a: a.log.dispatch(add("x", "u"), decider=weighing, query=tagged("t")),
    "append under a key": lambda a: a.log.append([noted("x", "u")], idempotency_key="k"),
    "dispatch by everything": lambda a: a.log.dispatch(add("x", "u"), decider=weighing, query=Query.all()),
}


@pytest.fixture(autouse=True)
def limit(settings: Any) -> None:
    settings.FACTOS_LOCK_TIMEOUT_SECONDS = LIMIT


def occupy(session: Session) -> None:
    """An open decision by t, under key k, that recorded something."""
    session.begin()
    session.run(
        session.log.dispatch,
        add("open", "t"),
        decider=weighing,
        query=tagged("t"),
        idempotency_key="k",
    )


@pytest.mark.parametrize("operation", OPERATIONS)
@on_databases()
def test_a_wait_for_a_lock_ends_as_store_busy_and_leaves_the_sessions_limit(
    store: Store, session: Opener, operation: str
) -> None:
    """A10."""
    a, holder = session("a"), session("holder")
    show, change = OWN_LIMITS[a.vendor]
    a.sql(change)
    before = a.sql(show)
    occupy(holder)
    with pytest.raises(StoreBusy) as busy:
        a.start(OPERATIONS[operation], a).result(SOON)
    assert (busy.value.using, busy.value.seconds) == (store.using, LIMIT)
    assert a.sql(show) == before
    holder.rollback()
    assert everything_in(store.using) == []
    a.run(OPERATIONS[operation], a)
    assert a.sql(show) == before
    assert [text for _, text in everything_in(store.using)] == ["x"]


@on_databases("postgres", "mariadb")
def test_a_nested_wait_leaves_the_callers_transaction_usable_and_its_limit_alone(
    store: Store, session: Opener
) -> None:
    """A9 and A10: nothing of the caller's is lost, nothing of the append is stored."""
    a, holder = session("a"), session("holder")
    show, change = OWN_LIMITS[a.vendor]
    a.sql(change)
    occupy(holder)
    a.begin()
    a.sql("INSERT INTO auth_group (name) VALUES ('mine')")
    before = a.sql(show)
    with pytest.raises(StoreBusy):
        a.start(a.log.append, [noted("x", "t")]).result(SOON)
    assert a.sql(show) == before
    holder.rollback()
    a.run(a.log.append, [noted("later", "t")])
    assert a.sql(show) == before
    a.commit()
    assert a.sql("SELECT name FROM auth_group") == [("mine",)]
    assert [text for _, text in everything_in(store.using)] == ["later"]


@on_databases("postgres", "mariadb")
def test_nothing_in_the_callers_transaction_changes_its_limit(store: Store, session: Opener) -> None:
    """A10: what is nested works under our limit and gives the caller's own back, whatever comes of it."""
    a = session("a")
    show, change = OWN_LIMITS[a.vendor]
    a.sql(change)
    before = a.sql(show)
    a.begin()
    for name in ("append", "dispatch", "append under a key", "dispatch by everything"):
        a.run(OPERATIONS[name], a)
        assert (name, a.sql(show)) == (name, before)
    with pytest.raises(AppendConditionFailed):
        a.run(OPERATIONS["append under a condition"], a)
    assert a.sql(show) == before
    a.run(a.log.read_context, tagged("t"), weighing)
    assert a.sql(show) == before
    a.commit()
    assert a.sql(show) == before


@on_databases("postgres")
def test_reading_a_context_that_is_held_ends_as_store_busy(store: Store, session: Opener) -> None:
    """A10, for read_context, which takes the guards too."""
    a, holder = session("a"), session("holder")
    occupy(holder)
    with pytest.raises(StoreBusy):
        a.start(a.log.read_context, tagged("t"), weighing).result(SOON)


@on_databases("postgres", "mariadb")
def test_the_head_and_the_readers_wait_for_nobody(store: Store, session: Opener) -> None:
    """G10: an open append holds back what can be read, and never who reads."""
    a, holder = session("a"), session("holder")
    occupy(holder)
    assert a.run(lambda: list(a.log.read(Query.all()))) == []
    assert a.run(a.log.head) >= 0


@under_tags
def test_a_waiting_decision_by_everything_delays_others_by_the_limit_at_most(
    store: Store, session: Opener
) -> None:
    """Row 22: behind one unrelated open append waits whoever wants to be alone, and everybody behind him."""
    a, alone, other = session("a"), session("alone"), session("other")
    a.begin()
    a.run(a.log.append, [noted("open", "t")])
    waiting = alone.start(alone.log.dispatch, add("x", "u"), decider=weighing, query=Query.all())
    alone.see_waiting(a)
    behind = other.start(other.log.append, [noted("behind", "v")])
    with pytest.raises(StoreBusy):
        waiting.result(SOON)
    try:
        behind.result(SOON)
    except StoreBusy:
        assert other.run(other.log.append, [noted("behind", "v")])
    a.rollback()


@pytest.mark.parametrize(
    "query", [tagged("t"), Query.of(QueryItem(types=["factos.contract.Noted"])), Query.all()], ids=str
)
@on_databases("postgres")
def test_nobody_waits_for_a_vacuum_or_an_analyze(store: Store, session: Opener, query: Query) -> None:
    """Row 21: a lock on the event table that conflicts with SHARE UPDATE EXCLUSIVE queues every insert."""
    a, vacuum = session("a"), session("vacuum")
    vacuum.begin()
    for table in ("factos_event", "factos_tag", "factos_idempotencykey", "factos_guard"):
        vacuum.sql(f"LOCK TABLE {table} IN SHARE UPDATE EXCLUSIVE MODE")
    assert a.run(a.log.append, [noted("first", "t")], condition=since(query), idempotency_key="k")
    assert a.run(a.log.dispatch, add("second", "t"), decider=weighing, query=query).events
    vacuum.rollback()


@pytest.mark.parametrize("table", ["factos_event", "factos_tag", "factos_idempotencykey"])
@on_databases("postgres")
def test_an_append_behind_a_table_that_is_being_indexed_ends_as_store_busy(
    store: Store, session: Opener, table: str
) -> None:
    """Row 21, unbounded: CREATE INDEX lets nobody insert, and who waits there holds guards and the head."""
    a, indexing = session("a"), session("indexing")
    indexing.begin()
    indexing.sql(f"LOCK TABLE {table} IN SHARE MODE")
    waiting = a.start(a.log.append, [noted("x", "t")], idempotency_key="k")
    a.see_waiting(indexing)
    with pytest.raises(StoreBusy):
        waiting.result(SOON)


@on_databases("mariadb")
def test_an_insert_behind_somebodys_gap_lock_ends_as_store_busy(store: Store, session: Opener) -> None:
    """G10: a locking read of the events at REPEATABLE READ keeps new ones out, for 50 s by default."""
    a, b, reader = session("a"), session("b"), session("reader")
    b.run(b.log.append, [noted("first", "t")])
    a.sql("SET SESSION innodb_lock_wait_timeout = 7")
    reader.sql("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    reader.begin()
    reader.sql("SELECT position FROM factos_event ORDER BY position DESC LIMIT 1 FOR UPDATE")
    waiting = a.start(a.log.append, [noted("x", "t")])
    a.see_waiting(reader)
    with pytest.raises(StoreBusy):
        waiting.result(SOON)


@pytest.mark.parametrize("seconds", [0.0001, 0.5])
@under_log
def test_the_guard_row_is_waited_for_no_longer_than_the_limit(
    store: Store, session: Opener, settings: Any, seconds: float
) -> None:
    """A10 under log, whoever holds the row; a limit below a millisecond is no "for ever"."""
    settings.FACTOS_LOCK_TIMEOUT_SECONDS = seconds
    a, holder = session("a"), session("holder")
    a.run(a.log.append, [noted("first", "t")])
    holder.begin()
    holder.sql("SELECT 1 FROM factos_guard FOR UPDATE")
    waiting = a.start(a.log.append, [noted("second", "t")])
    with pytest.raises(StoreBusy):
        waiting.result(SOON)


@under_tags
def test_many_locks_are_waited_for_one_by_one(store: Store, session: Opener) -> None:
    """The limit is for one lock. What is held meanwhile is given up with the error."""
    a, b, holder = session("a"), session("b"), session("holder")
    holder.begin()
    holder.run(hold_tags, store.using, "n:3")
    both = Query.of(*(QueryItem(tags=[f"n:{n}"]) for n in range(6)))
    with pytest.raises(StoreBusy):
        a.start(a.log.dispatch, add("x", "t"), decider=weighing, query=both).result(SOON)
    for n in (0, 1, 2, 4, 5):
        assert b.start(b.log.append, [noted(str(n), f"n:{n}")]).result(PATIENCE)
    with pytest.raises((StoreBusy, Error)):
        b.start(b.log.append, [noted("3", "n:3")]).result(SOON)

"""SQLite: one writer at a time, and a transaction that reads before it appends."""

import pytest
from django.db import connections

from factos_django import AppendConditionFailed, Query, QueryItem, RetryTransaction, StoreError
from tests.guards.conftest import Opener
from tests.guards.facts import add, everything_in, noted, saw, since, tagged, weighing
from tests.guards.sessions import PATIENCE, Pause, Session
from tests.stores import Store, on_databases


def defer(session: Session) -> None:
    """What Django does without transaction_mode: BEGIN takes no lock."""

    def change() -> None:
        connections[session.using].transaction_mode = "DEFERRED"  # type: ignore[attr-defined]

    session.run(change)


@on_databases("default")
def test_a_transaction_whose_snapshot_is_old_fails_at_once_and_safely(store: Store, session: Opener) -> None:
    """Reasoned, not a row: a read before the guard's UPDATE in a DEFERRED transaction. A4."""
    a, b = session("a"), session("b")
    defer(a)
    a.begin()
    assert a.run(lambda: list(a.log.read(Query.all()))) == []
    b.run(b.log.append, [noted("between", "t")])
    for _ in range(2):  # it stays so: this transaction can write no more
        with pytest.raises(RetryTransaction):
            a.run(a.log.append, [noted("stale", "t")], condition=since(tagged("t")))
    with pytest.raises(RetryTransaction):
        a.run(a.log.dispatch, add("stale", "t"), decider=weighing, query=tagged("t"))
    a.rollback()
    assert [text for _, text in everything_in(store.using)] == ["between"]
    with pytest.raises(AppendConditionFailed):
        a.run(a.log.append, [noted("fresh", "t")], condition=since(tagged("t")))


@on_databases("default")
def test_a_transaction_that_read_while_another_writes_fails_and_stores_nothing(
    store: Store, session: Opener
) -> None:
    """The same while the other is still open: SQLite does not let it wait."""
    a, b = session("a"), session("b")
    defer(a)
    b.begin()
    b.run(b.log.append, [noted("open", "t")])
    a.begin()
    assert a.run(lambda: list(a.log.read(Query.all()))) == []
    with pytest.raises(StoreError):
        a.run(a.log.append, [noted("stale", "t")], condition=since(tagged("t")))
    a.rollback()
    b.commit()
    assert [text for _, text in everything_in(store.using)] == ["open"]


@pytest.mark.parametrize(
    "query", [tagged("t"), tagged("t", "u"), Query.of(QueryItem(types=["factos.contract.Noted"]))], ids=str
)
@pytest.mark.parametrize("nested", [False, True], ids=["alone", "nested"])
@on_databases("default")
def test_an_append_that_comes_first_in_its_transaction_waits_though_the_transaction_is_deferred(
    store: Store, session: Opener, query: Query, nested: bool
) -> None:
    """The guard is the first statement: the write lock comes before the first read, of whatever query."""
    a, b = session("a"), session("b")
    defer(a)
    b.begin()
    b.run(b.log.append, [noted("open", "t", "u")])
    if nested:
        a.begin()
    waiting = a.start(a.log.dispatch, add("decided", "t"), decider=weighing, query=query)
    with pytest.raises(TimeoutError):
        waiting.exception(0.2)  # it waits: the one thing that SQLite does not tell
    b.commit()
    assert saw(waiting.result(PATIENCE)) == ("open",)
    if nested:
        a.commit()
    assert [text for _, text in everything_in(store.using)] == ["open", "decided"]


@on_databases("default")
def test_of_two_first_appends_the_second_sees_the_first(store: Store, session: Opener) -> None:
    """A6: an UPDATE of 0 rows takes the write lock too."""
    for mode in (defer, lambda _session: None):
        a, b, pause = session("a"), session("b"), Pause()
        mode(a)
        mode(b)
        subject = f"subject:{mode is defer}"

        def decide(seen: tuple[str, ...], pause: Pause = pause, subject: str = subject) -> list[object]:
            pause()
            return [] if seen else [noted("once", subject)]

        first = a.start(a.log.dispatch, decide, decider=weighing, query=tagged(subject))
        pause.reached()
        second = b.start(b.log.dispatch, decide, decider=weighing, query=tagged(subject))
        pause.go_on()
        assert sorted(len(each.result(PATIENCE).events) for each in (first, second)) == [0, 1]

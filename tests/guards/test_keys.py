"""The same append asked for twice at once records once (G8)."""

from typing import Any
from uuid import UUID

import pytest

from factos_django import EventIdReused, IdempotencyKeyReused, Proposed
from factos_django.testing.contract import Noted
from tests.guards.conftest import Opener, Sql
from tests.guards.facts import add, everything_in, in_lock_order, noted, since, tagged, weighing
from tests.guards.sessions import PATIENCE, under_tags
from tests.guards.test_head import marks_of
from tests.stores import Store, on_databases

ONE, TWO = UUID(int=1), UUID(int=2)


def identified(id: UUID, *tags: str) -> Proposed[Any]:
    return Proposed(Noted("identified"), id=id, tags=tags)


@on_databases("postgres", "mariadb")
def test_of_two_equal_appends_under_one_key_the_second_returns_what_the_first_recorded(
    store: Store, session: Opener
) -> None:
    """Row 12: both look up, both store. A22."""
    a, b = session("a"), session("b")
    a.begin()
    first = a.run(a.log.append, [noted("once", "t")], idempotency_key="k")
    waiting = b.start(b.log.append, [noted("once", "t")], idempotency_key="k")
    b.see_waiting(a)
    a.commit()
    again = waiting.result(PATIENCE)
    assert [each.position for each in again] == [each.position for each in first]
    assert everything_in(store.using) == [(first[0].position, "once")]


@on_databases("postgres", "mariadb")
def test_the_loser_under_a_condition_gets_the_first_result_and_no_conflict(
    store: Store, session: Opener
) -> None:
    """Row 13: the key is looked up after the guard and before the condition."""
    a, b = session("a"), session("b")
    a.begin()
    (first,) = a.run(a.log.append, [noted("once", "t")], condition=since(tagged("t")), idempotency_key="k")
    waiting = b.start(b.log.append, [noted("once", "t")], condition=since(tagged("t")), idempotency_key="k")
    b.see_waiting(a)
    a.commit()
    assert [each.position for each in waiting.result(PATIENCE)] == [first.position]


@on_databases("postgres", "mariadb")
def test_the_loser_of_two_equal_dispatches_decides_nothing(store: Store, session: Opener) -> None:
    """Rows 12 and 13, for dispatch."""
    a, b = session("a"), session("b")
    a.begin()
    once = add("once", "t")
    first = a.run(a.log.dispatch, once, decider=weighing, query=tagged("t"), idempotency_key="k")
    waiting = b.start(b.log.dispatch, once, decider=weighing, query=tagged("t"), idempotency_key="k")
    b.see_waiting(a)
    a.commit()
    again = waiting.result(PATIENCE)
    assert (again.attempts, again.position, len(again.events)) == (0, first.position, 1)
    assert len(everything_in(store.using)) == 1


@on_databases("postgres", "mariadb")
def test_a_key_whose_first_user_rolls_back_is_free(store: Store, session: Opener) -> None:
    """Row 12 from the other side."""
    a, b = session("a"), session("b")
    a.begin()
    a.run(a.log.append, [noted("undone", "t")], idempotency_key="k")
    waiting = b.start(b.log.append, [noted("kept", "t")], idempotency_key="k")
    b.see_waiting(a)
    a.rollback()
    (kept,) = waiting.result(PATIENCE)
    assert everything_in(store.using) == [(kept.position, "kept")]


@under_tags
def test_who_waits_for_a_key_under_other_tags_holds_no_position(
    store: Store, session: Opener, sql: Sql
) -> None:
    """Row 28: with the unique index as the only meeting point B waits with positions drawn."""
    a, b = session("a"), session("b")
    a.begin()
    a.run(a.log.append, [noted("first", "t")], idempotency_key="k")
    ((drawn,),) = sql("SELECT last_value FROM factos_event_position_seq")
    waiting = b.start(b.log.append, [noted("second", "u")], idempotency_key="k")
    b.see_waiting(a)
    assert marks_of(b, sql) == 0
    assert sql("SELECT last_value FROM factos_event_position_seq") == [(drawn,)]
    a.commit()
    with pytest.raises(IdempotencyKeyReused):
        waiting.result(PATIENCE)


@on_databases("postgres", "mariadb")
def test_of_two_equal_appends_with_one_event_id_the_second_returns_what_the_first_recorded(
    store: Store, session: Opener
) -> None:
    """Rows 12 and 28, for ids that the client gives."""
    a, b = session("a"), session("b")
    a.begin()
    (first,) = a.run(a.log.append, [identified(ONE, "t")])
    waiting = b.start(b.log.append, [identified(ONE, "t")])
    b.see_waiting(a)
    a.commit()
    assert [each.position for each in waiting.result(PATIENCE)] == [first.position]
    with pytest.raises(EventIdReused):
        b.run(b.log.append, [identified(ONE, "u")])


@on_databases("postgres", "mariadb")
def test_an_id_that_a_decision_gives_is_locked_before_it_is_looked_up(store: Store, session: Opener) -> None:
    """Rows 6 and 12: the id is known only after the decision, which then runs again under its lock."""
    a, b = session("a"), session("b")

    def decide(_seen: Any) -> list[Any]:
        return [identified(ONE, "t")]

    a.begin()
    (first,) = a.run(a.log.append, [identified(ONE, "t")])
    waiting = b.start(b.log.dispatch, decide, decider=weighing, query=tagged("unrelated"))
    b.see_waiting(a)
    a.commit()
    assert [each.position for each in waiting.result(PATIENCE).events] == [first.position]
    assert len(everything_in(store.using)) == 1


@on_databases("postgres")
def test_two_appends_with_the_same_ids_in_opposite_order_do_not_deadlock(
    store: Store, session: Opener
) -> None:
    """Row 26's last part: client ids inserted in opposite order."""
    a, b, holder = session("a"), session("b"), session("holder")
    hashed = "SELECT id FROM unnest(%s::text[]) AS id ORDER BY hashtext(('id:' || id) COLLATE \"C\")"
    early = UUID(holder.sql(hashed, [str(ONE), str(TWO)])[0][0])
    holder.begin()
    holder.run(holder.log.append, [identified(early, "u")])
    first = a.start(a.log.append, [identified(ONE, "t"), identified(TWO, "t")])
    a.see_waiting(holder)
    second = b.start(b.log.append, [identified(TWO, "t"), identified(ONE, "t")])
    b.see_waiting(holder)  # with nothing in its hands that a could want
    assert (a.advisory_locks(), b.advisory_locks()) == (0, 0)
    holder.rollback()
    positions = [sorted(each.position for each in future.result(PATIENCE)) for future in (first, second)]
    assert positions[0] == positions[1]
    assert len(everything_in(store.using)) == 2


@under_tags
def test_a_key_and_a_tag_of_one_name_are_different_locks(store: Store, session: Opener) -> None:
    """Keys and tags have namespaces of their own; whoever holds both takes the keys first."""
    (tag,) = in_lock_order(1)
    a, b = session("a"), session("b")
    a.begin()
    a.run(a.log.dispatch, lambda _seen: [], decider=weighing, query=tagged(f"key:{tag}"))
    assert b.run(b.log.append, [noted("other", "u")], idempotency_key=tag)


@under_tags
def test_a_tag_that_reads_like_a_locked_key_is_shared_all_the_same(store: Store, session: Opener) -> None:
    """Keys and tags are hashed alike, into spaces of their own."""
    a, b = session("a"), session("b")
    a.begin()
    a.run(a.log.dispatch, add("decided", "x"), decider=weighing, query=tagged("key:k"))
    new = add("other", "key:k")
    waiting = b.start(b.log.dispatch, new, decider=weighing, query=tagged("y"), idempotency_key="k")
    b.see_waiting(a)
    a.commit()
    assert waiting.result(PATIENCE).attempts > 1


@under_tags
@pytest.mark.parametrize("table", ["factos_idempotencykey", "factos_event", "factos_tag"])
def test_who_waits_for_a_table_holds_no_head_back(store: Store, session: Opener, table: str) -> None:
    """Row 28: CREATE INDEX lets nobody insert, and who waits for it has drawn no position."""
    a, b, indexing = session("a"), session("b"), session("indexing")
    a.run(a.log.append, [noted("first", "t")])
    b.begin()
    (second,) = b.run(b.log.append, [noted("second", "u")])
    indexing.begin()
    waiting = indexing.start(indexing.execute, f"LOCK TABLE {table} IN SHARE MODE")
    if table != "factos_idempotencykey":
        indexing.see_waiting(b)  # for its rows
        b.commit()
    waiting.result(PATIENCE)
    keyed = a.start(a.log.append, [noted("third", "v")], idempotency_key="k")
    a.see_waiting(indexing)
    if table == "factos_idempotencykey":
        b.commit()
    assert b.run(b.log.head) == second.position
    assert b.sql("SELECT last_value FROM factos_event_position_seq") == [(second.position,)]
    indexing.commit()
    keyed.result(PATIENCE)

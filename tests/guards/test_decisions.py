"""A decision holds: what it saw is exactly what lies below what it recorded (G2), and nobody deadlocks."""

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import Any

import pytest
from django.db import transaction

from factos_django import AppendConditionFailed, Query, QueryItem, RetryTransaction
from factos_django.store import contexts
from factos_django.testing.contract import Counted, Noted
from tests.guards.conftest import Opener
from tests.guards.facts import (
    Texts,
    add,
    everything_in,
    hold_tags,
    in_lock_order,
    noted,
    saw,
    shares_beside_a_tagless_item,
    since,
    tagged,
    texts,
    weighing,
)
from tests.guards.sessions import PATIENCE, Pause, Session, under_tags
from tests.stores import Store, on_databases


def paused(pause: Pause, deciding: Callable[[Texts], Sequence[Any]]) -> Callable[[Texts], Sequence[Any]]:
    """The same decision, stopped once while it is made."""

    def decide(seen: Texts) -> Sequence[Any]:
        pause()
        return deciding(seen)

    return decide


def expect_one_victim(*sides: tuple[Session, Future[Any]]) -> Session:
    """The database breaks one of two off, whose owner rolls back; then the other commits and is returned."""
    ended = wait([future for _, future in sides], PATIENCE, FIRST_COMPLETED).done
    ((victim, error),) = [(side, future.exception()) for side, future in sides if future in ended]
    assert isinstance(error, RetryTransaction)
    victim.rollback()
    ((winner, won),) = [(side, future) for side, future in sides if side is not victim]
    assert won.result(PATIENCE).events
    winner.commit()
    return winner


# Two guards that meet


@on_databases("postgres", "mariadb")
def test_a_dispatch_waits_for_an_open_append_of_its_context_and_sees_it(
    store: Store, session: Opener
) -> None:
    """Row 30: whatever locks and reads in one snapshot sees what was true before the wait. A1."""
    a, b = session("a"), session("b")
    a.begin()
    (first,) = a.run(a.log.append, [noted("first", "t")])
    waiting = b.start(b.log.dispatch, add("second", "t"), decider=weighing, query=tagged("t"))
    b.see_waiting(a)
    a.commit()
    done = waiting.result(PATIENCE)
    assert saw(done) == ("first",)
    assert done.position > first.position


@on_databases("postgres", "mariadb")
def test_a_condition_is_checked_after_the_wait_for_its_context(store: Store, session: Opener) -> None:
    """Row 30, for conditions. A1."""
    a, b = session("a"), session("b")
    a.begin()
    (first,) = a.run(a.log.append, [noted("first", "t")])
    waiting = b.start(b.log.append, [noted("second", "t")], condition=since(tagged("t")))
    b.see_waiting(a)
    a.commit()
    with pytest.raises(AppendConditionFailed) as failed:
        waiting.result(PATIENCE)
    assert failed.value.positions == (first.position,)
    assert everything_in(store.using) == [(first.position, "first")]


@on_databases("postgres", "mariadb")
def test_a_blind_append_waits_for_an_open_decision_about_its_tag(store: Store, session: Opener) -> None:
    """An unconditional append that takes no lock would slip below the decision."""
    a, b = session("a"), session("b")
    a.begin()
    decided = a.run(a.log.dispatch, add("decided", "t"), decider=weighing, query=tagged("t"))
    waiting = b.start(b.log.append, [noted("blind", "t")])
    b.see_waiting(a)
    a.commit()
    (blind,) = waiting.result(PATIENCE)
    assert blind.position > decided.position


@on_databases("postgres", "mariadb")
def test_a_decision_to_do_nothing_still_holds_until_its_transaction_ends(
    store: Store, session: Opener
) -> None:
    a, b = session("a"), session("b")
    a.begin()
    assert not a.run(a.log.dispatch, lambda _seen: [], decider=weighing, query=tagged("t")).events
    waiting = b.start(b.log.append, [noted("late", "t")])
    b.see_waiting(a)
    a.rollback()
    assert texts(waiting.result(PATIENCE)) == ["late"]


@pytest.mark.parametrize(("first", "second"), [("log", "tags"), ("tags", "log")])
@on_databases("postgres")
def test_an_append_under_log_and_one_under_tags_exclude_each_other(
    store: Store, session: Opener, first: str, second: str
) -> None:
    """Processes of both guards may run side by side, while a deployment rolls."""
    a, b = session("a", guard=first), session("b", guard=second)
    a.begin()
    a.run(a.log.dispatch, add("first", "t"), decider=weighing, query=tagged("t"))
    waiting = b.start(b.log.dispatch, add("second", "t"), decider=weighing, query=tagged("t"))
    b.see_waiting(a)
    a.commit()
    done = waiting.result(PATIENCE)
    assert saw(done) == ("first",)


@on_databases("postgres")
def test_under_log_an_append_waits_even_for_an_unrelated_one_under_tags(
    store: Store, session: Opener
) -> None:
    """Commit order is position order under log, so nobody else may hold drawn positions."""
    a, b = session("a", guard="tags"), session("b", guard="log")
    a.begin()
    (first,) = a.run(a.log.append, [noted("first", "t")])
    waiting = b.start(b.log.append, [noted("second", "u")])
    b.see_waiting(a)
    a.commit()
    assert waiting.result(PATIENCE)[0].position > first.position


@pytest.mark.parametrize("query", [Query.all(), Query.of(QueryItem(types=["factos.contract.Noted"]))])
@on_databases("postgres")
def test_a_decision_by_no_tag_waits_for_every_open_append_and_they_for_it(
    store: Store, session: Opener, query: Query
) -> None:
    """The gate: a query item without tags can be met by any append."""
    a, b, c = session("a"), session("b"), session("c")
    a.begin()
    a.run(a.log.append, [noted("first", "t")])
    waiting = b.start(b.log.dispatch, add("second", "u"), decider=weighing, query=query)
    b.see_waiting(a)
    a.commit()
    assert saw(waiting.result(PATIENCE)) == ("first",)
    b.begin()
    b.run(b.log.dispatch, add("third", "u"), decider=weighing, query=query)
    late = c.start(c.log.append, [noted("fourth", "v")])
    c.see_waiting(b)
    b.commit()
    assert texts(late.result(PATIENCE)) == ["fourth"]
    assert [text for _, text in everything_in(store.using)] == ["first", "second", "third", "fourth"]


@on_databases("postgres")
def test_an_append_of_more_tags_than_it_may_lock_is_still_excluded(store: Store, session: Opener) -> None:
    """Above 256 tags an append takes the gate instead of so many locks."""
    a, b = session("a"), session("b")
    a.begin()
    a.run(a.log.dispatch, add("first", "n:7"), decider=weighing, query=tagged("n:7"))
    many = [noted(f"many {n}", f"n:{n}") for n in range(300)]
    waiting = b.start(b.log.append, many)
    b.see_waiting(a)
    a.commit()
    assert len(waiting.result(PATIENCE)) == 300
    b.begin()
    b.run(b.log.append, many)
    late = a.start(a.log.dispatch, add("last", "n:9"), decider=weighing, query=tagged("n:9"))
    a.see_waiting(b)
    b.commit()
    assert saw(late.result(PATIENCE)) == ("many 9", "many 9")


@on_databases("postgres")
def test_two_deciders_that_guard_different_tags_of_one_item_meet_before_they_record(
    store: Store, session: Opener
) -> None:
    """Suspected, and found right: whoever appends {x, y} shares the tag that the other one guards."""
    session("setup").run(session("setup").log.append, [noted("one", "x"), noted("two", "x")])
    a, b, other = session("a"), session("b"), session("c")
    both, pause_a, pause_b = tagged("x", "y"), Pause(), Pause()
    for each in (a, b):
        each.break_deadlocks_after("1min")

    def deciding(name: str, pause: Pause) -> Callable[[Texts], Sequence[Any]]:
        return paused(pause, lambda seen: [] if seen else [noted(name, "x", "y")])

    first = a.start(a.log.dispatch, deciding("a", pause_a), decider=weighing, query=both)  # guards y
    pause_a.reached()
    # As far as b will know, y is the broader tag: it guards x.
    other.sql(
        "INSERT INTO factos_tag (event_id, value, type) SELECT -n, 'y', '' FROM generate_series(1, 9) n"
    )
    second = b.start(b.log.dispatch, deciding("b", pause_b), decider=weighing, query=both)
    if store.guard == "log":
        b.see_waiting(a)
        pause_b.go_on()
        pause_a.go_on()
    else:
        pause_b.reached()  # both decide at once, and have seen nothing
        pause_a.go_on()
        a.see_waiting(b)  # refused its share of x, and started again
        pause_b.go_on()
    outcomes = [first.result(PATIENCE), second.result(PATIENCE)]
    assert sorted(len(each.events) for each in outcomes) == [0, 1]
    assert len([text for _, text in everything_in(store.using) if text in ("a", "b")]) == 1


# Restarts


@under_tags
def test_a_restarted_decision_that_now_names_another_tag_shares_that_one_too(
    store: Store, session: Opener
) -> None:
    """Row 6: locks for the first decision's tags only, then recording the second decision."""
    early, late, context = in_lock_order(3)
    a, b, c, d = session("a"), session("b"), session("c"), session("d")
    for holder, tag in ((b, early), (c, late)):
        holder.begin()
        holder.run(holder.log.dispatch, lambda _seen: [], decider=weighing, query=tagged(tag))

    def decide(seen: Texts) -> Sequence[Any]:
        return [noted("decided", late if seen else early)]

    waiting = a.start(a.log.dispatch, decide, decider=weighing, query=tagged(context))
    a.see_waiting(b)  # wants to share `early`, and does not hold `context` while it waits
    d.run(d.log.append, [noted("moved", context)])
    b.rollback()
    a.see_waiting(c)  # decided again, and wants to share `late`
    (below,) = c.run(c.log.append, [noted("in flight", late)])
    c.commit()
    done = waiting.result(PATIENCE)
    assert saw(done) == ("moved",)
    assert (done.attempts, done.events[0].tags) == (3, (late,))
    assert done.position > below.position


@under_tags
def test_a_decision_refused_again_and_again_ends_by_being_alone(store: Store, session: Opener) -> None:
    """The tries are bounded: the last one takes the gate exclusively."""
    a, b = session("a"), session("b")
    b.begin()
    b.run(hold_tags, store.using, "n:1", "n:2", "n:3", "n:4")
    made = iter(range(1, 100))
    decided = lambda _seen: [noted("decided", f"n:{next(made)}")]  # noqa: E731
    waiting = a.start(a.log.dispatch, decided, decider=weighing, query=tagged("t"))
    a.see_waiting(b)
    b.commit()
    # Each decision names a new tag, but nobody guards them any more.
    assert waiting.result(PATIENCE).attempts == 2
    b.begin()
    b.run(hold_tags, store.using, *(f"n:{n}" for n in range(1, 99)))
    waiting = a.start(a.log.dispatch, decided, decider=weighing, query=tagged("t"))
    a.see_waiting(b)
    b.rollback()
    assert waiting.result(PATIENCE).attempts <= 5


@under_tags
def test_a_restart_does_not_make_others_restart(store: Store, session: Opener) -> None:
    """Row 16, metastable escalation: a restart that guards the event's tags refuses everybody's share."""
    a, b, c = session("a"), session("b"), session("c")
    b.begin()
    b.run(hold_tags, store.using, "tenant")
    a.begin()
    waiting = a.start(a.log.dispatch, add("restarted", "t", "tenant"), decider=weighing, query=tagged("t"))
    a.see_waiting(b)
    b.commit()
    assert waiting.result(PATIENCE).attempts == 2
    # a holds its transaction open, and with it whatever its restart took.
    done = c.run(c.log.dispatch, add("other", "u", "tenant"), decider=weighing, query=tagged("u"))
    assert done.attempts == 1


# Fairness and parallel appends


@on_databases("postgres")
def test_a_waiting_decision_is_not_overtaken_by_later_appends(store: Store, session: Opener) -> None:
    """Row 17: 30 of 30 later sharers passed a decider that waited for a row lock."""
    a, b, c = session("a"), session("b"), session("c")
    a.begin()
    a.run(a.log.append, [noted("open", "t")])
    deciding = b.start(b.log.dispatch, add("decided", "t"), decider=weighing, query=tagged("t"))
    b.see_waiting(a)
    later = c.start(c.log.append, [noted("later", "t")])
    c.see_waiting(b)
    a.commit()
    decided, (recorded,) = deciding.result(PATIENCE), later.result(PATIENCE)
    assert saw(decided) == ("open",)
    assert recorded.position > decided.position


@under_tags
def test_a_decision_does_not_wait_for_an_unrelated_open_append(store: Store, session: Opener) -> None:
    """Row 22, G5: a lock on the whole event table waits behind any open append."""
    a, b = session("a"), session("b")
    a.begin()
    a.run(a.log.dispatch, add("open", "t"), decider=weighing, query=tagged("t"))
    assert b.run(b.log.dispatch, add("other", "u"), decider=weighing, query=tagged("u")).attempts == 1
    assert [text for _, text in everything_in(store.using)] == ["other"]


@under_tags
def test_decisions_by_other_types_of_one_tag_wait_for_each_other(store: Store, session: Opener) -> None:
    """What the docs say of the guard: it locks tags, and knows nothing of types. Neither sees the other."""
    a, b = session("a"), session("b")
    by_type = {kind: Query.of(QueryItem(types=[kind], tags=["t"])) for kind in (Noted, Counted)}
    a.begin()
    a.run(a.log.dispatch, add("noted", "t"), decider=weighing, query=by_type[Noted])
    waiting = b.start(b.log.dispatch, add("noted too", "t"), decider=weighing, query=by_type[Counted])
    b.see_waiting(a)
    a.commit()
    assert saw(waiting.result(PATIENCE)) == ()


@under_tags
def test_two_blind_appends_of_the_same_new_tags_do_not_wait_for_each_other(
    store: Store, session: Opener
) -> None:
    """Row 19: creating the row of a new tag made the second wait, and in opposite order deadlock."""
    a, b = session("a"), session("b")
    a.begin()
    b.begin()
    a.run(a.log.append, [noted("1", "new")])
    b.run(b.log.append, [noted("2", "newer")])
    a.run(a.log.append, [noted("3", "newer")])
    b.run(b.log.append, [noted("4", "new")])
    a.commit()
    b.commit()
    assert sorted(text for _, text in everything_in(store.using)) == ["1", "2", "3", "4"]


@pytest.mark.parametrize("reverse", [False, True])
@on_databases("postgres")
def test_two_dispatches_that_name_each_others_new_tags_do_not_deadlock(
    store: Store, session: Opener, reverse: bool
) -> None:
    """Rows 18 and 20: A guards course and adds alice, who is new; B guards alice and course."""
    course, alice = in_lock_order(2)[:: -1 if reverse else 1]
    a, b, pause = session("a"), session("b"), Pause()
    for each in (a, b):
        each.break_deadlocks_after("1min")
    first = a.start(
        a.log.dispatch, paused(pause, add("enrolled", course, alice)), decider=weighing, query=tagged(course)
    )
    pause.reached()
    both = Query.of(QueryItem(tags=[alice]), QueryItem(tags=[course]))
    second = b.start(b.log.dispatch, add("greeted", alice), decider=weighing, query=both)
    b.see_waiting(a)
    pause.go_on()
    outcomes = sorted((first.result(PATIENCE), second.result(PATIENCE)), key=lambda done: done.position)
    # Whoever came second saw the first, where it lies in its context.
    if texts(outcomes[0].events) == ["enrolled"]:
        assert saw(outcomes[1]) == ("enrolled",)
    assert len(everything_in(store.using)) == 2


@on_databases("postgres")
def test_locks_are_taken_in_one_order_whatever_the_order_of_the_items(store: Store, session: Opener) -> None:
    """A7: two contexts named in opposite order."""
    early, late = in_lock_order(2)
    holder, a, b = session("holder"), session("a"), session("b")
    if store.guard == "tags":
        holder.begin()
        holder.run(hold_tags, store.using, early)
    forwards = Query.of(QueryItem(tags=[early]), QueryItem(tags=[late]))
    backwards = Query.of(QueryItem(tags=[late]), QueryItem(tags=[early]))
    first = a.start(a.log.dispatch, add("a", early), decider=weighing, query=forwards)
    if store.guard == "tags":
        a.see_waiting(holder)
    second = b.start(b.log.dispatch, add("b", late), decider=weighing, query=backwards)
    if store.guard == "tags":
        b.see_waiting(holder)  # with nothing in its hands that a could want
        assert (a.advisory_locks(), b.advisory_locks()) == (0, 0)
        holder.commit()
    outcomes = [first.result(PATIENCE), second.result(PATIENCE)]
    assert sorted(len(saw(each)) for each in outcomes) == [0, 1]
    assert [each.attempts for each in outcomes] == [1, 1]


@under_tags
def test_an_item_without_a_tag_grants_nothing_that_another_holds(store: Store, session: Opener) -> None:
    """An append asks for the whole log then; should it not, an unknown lock must not count as held."""
    holder, other = session("holder"), session("other")
    holder.begin()
    holder.run(hold_tags, store.using, "subject:1")
    other.begin()
    assert other.run(shares_beside_a_tagless_item, store.using, "subject:1") is False
    assert other.run(shares_beside_a_tagless_item, store.using, "subject:2") is True


# Several appends in one transaction


@under_tags
def test_opposite_decisions_in_two_transactions_end_with_one_victim_and_nothing_half_stored(
    store: Store, session: Opener
) -> None:
    """Row 23: one append never deadlocks, several can; the database picks one, its owner retries. A8."""
    a, b = session("a"), session("b")
    for each, tag in ((a, "t"), (b, "u")):
        each.begin()
        each.break_deadlocks_after("50ms")
        each.run(each.log.dispatch, add(f"{each.name}1", tag), decider=weighing, query=tagged(tag))
    first = a.start(a.log.dispatch, add("a2", "u"), decider=weighing, query=tagged("u"))
    a.see_waiting(b)
    second = b.start(b.log.dispatch, add("b2", "t"), decider=weighing, query=tagged("t"))
    winner = expect_one_victim((a, first), (b, second))
    assert [text for _, text in everything_in(store.using)] == [f"{winner.name}1", f"{winner.name}2"]


@under_tags
def test_appends_that_later_want_to_be_alone_end_with_one_victim(store: Store, session: Opener) -> None:
    """Row 23: insert, then a decision by no tag, in two transactions at once. A8."""
    a, b = session("a"), session("b")
    for each in (a, b):
        each.begin()
        each.break_deadlocks_after("50ms")
        each.run(each.log.append, [noted(f"{each.name}1", each.name)])
    first = a.start(a.log.dispatch, add("a2", "a"), decider=weighing, query=Query.all())
    a.see_waiting(b)
    second = b.start(b.log.dispatch, add("b2", "b"), decider=weighing, query=Query.all())
    winner = expect_one_victim((a, first), (b, second))
    assert [text for _, text in everything_in(store.using)] == [f"{winner.name}1", f"{winner.name}2"]


@on_databases("postgres", "mariadb")
def test_locks_given_up_with_a_savepoint_are_taken_again(store: Store, session: Opener) -> None:
    """Row 29: "already held" remembered in Python over a rolled-back savepoint. G2's half."""
    a, b = session("a"), session("b")

    def twice() -> Any:
        with a.savepoint():
            a.log.dispatch(add("undone", "t"), decider=weighing, query=tagged("t"))
            transaction.set_rollback(True, using=store.using)
        return a.log.dispatch(add("kept", "t"), decider=weighing, query=tagged("t"))

    a.begin()
    a.run(twice)
    waiting = b.start(b.log.dispatch, add("second", "t"), decider=weighing, query=tagged("t"))
    b.see_waiting(a)
    a.commit()
    done = waiting.result(PATIENCE)
    assert saw(done) == ("kept",)


@on_databases("postgres", "mariadb")
def test_a_savepoint_that_is_kept_keeps_its_locks(store: Store, session: Opener) -> None:
    """Suspected, and found right."""
    a, b = session("a"), session("b")

    def inside() -> None:
        with a.savepoint():
            a.log.dispatch(add("kept", "t"), decider=weighing, query=tagged("t"))

    a.begin()
    a.run(inside)
    waiting = b.start(b.log.dispatch, add("second", "t"), decider=weighing, query=tagged("t"))
    b.see_waiting(a)
    a.commit()
    assert saw(waiting.result(PATIENCE)) == ("kept",)


# Positions of other deciders


@under_tags
def test_a_position_from_read_context_has_seen_every_open_append_of_the_context(
    store: Store, session: Opener
) -> None:
    """Row 7, the right way: `after` from read_context, while a lower matching append is in flight."""
    a, b = session("a"), session("b")
    a.begin()
    (lower,) = a.run(a.log.append, [noted("in flight", "t")])
    (own,) = b.run(b.log.append, [noted("own", "t")])  # blind: its position says nothing of `lower`
    assert own.position > lower.position
    reading = b.start(b.log.read_context, tagged("t"), weighing)
    b.see_waiting(a)
    a.commit()
    context = reading.result(PATIENCE)
    assert context.state == ("in flight", "own")
    assert b.run(b.log.append, [noted("decided", "t")], condition=context.append_condition)


@under_tags
def test_a_condition_after_the_head_sees_an_append_that_was_in_flight_below_it(
    store: Store, session: Opener
) -> None:
    """Row 7: `after` from the head, or from read(), while a lower matching append is in flight."""
    a, b = session("a"), session("b")
    a.begin()
    (lower,) = a.run(a.log.append, [noted("in flight", "t")])
    b.run(b.log.append, [noted("own", "t")])
    after = b.run(b.log.head)
    assert after < lower.position
    assert b.run(lambda: list(b.log.read(tagged("t")))) == []
    waiting = b.start(b.log.append, [noted("decided", "u")], condition=since(tagged("t"), after))
    # It needs no lock that a holds exclusively, but the guard of t, which a shares.
    b.see_waiting(a)
    a.commit()
    with pytest.raises(AppendConditionFailed) as failed:
        waiting.result(PATIENCE)
    assert lower.position in failed.value.positions


@under_tags
def test_an_unrelated_open_append_does_not_make_a_condition_fail_for_ever(
    store: Store, session: Opener
) -> None:
    """Row 24: it holds the head, so who decides by read() gets conflicts for as long as that lasts."""
    a, b = session("a"), session("b")
    a.begin()
    a.run(a.log.append, [noted("unrelated", "z")])
    b.run(b.log.append, [noted("committed", "t")])
    assert b.run(lambda: list(b.log.read(tagged("t")))) == []
    context = b.run(b.log.read_context, tagged("t"), weighing)
    assert context.state == ("committed",)
    (decided,) = b.run(b.log.append, [noted("decided", "t")], condition=context.append_condition)
    # An append accepted under the same query is as good.
    assert b.run(b.log.append, [noted("again", "t")], condition=since(tagged("t"), decided.position))


@on_databases()
def test_a_context_is_never_older_than_its_position(
    store: Store, session: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A5: events and `after` taken in two statements, with an append between them."""
    a, b = session("a"), session("b")
    b.run(b.log.append, [noted("first", "t")])
    read, late = contexts._locked_rows, []

    def append_late() -> None:
        late.append(b.start(b.log.append, [noted("late", "t")]))
        late[-1].result(PATIENCE)

    def read_late(*args: Any) -> Any:
        append_late()
        rows = read(*args)
        append_late()
        return rows

    monkeypatch.setattr(contexts, "_locked_rows", read_late)
    context = a.run(a.log.read_context, tagged("t"), weighing)
    appended = [each.position for future in late for each in future.result(PATIENCE)]
    seen = [each.position for each in context.events]
    assert all(position > context.position for position in appended if position not in seen)
    monkeypatch.undo()
    with pytest.raises(AppendConditionFailed):
        a.run(a.log.append, [noted("stale", "t")], condition=context.append_condition)


@on_databases()
def test_a_condition_in_a_transaction_that_read_before_sees_what_was_committed_since(
    store: Store, session: Opener
) -> None:
    """A4: the session or the user was read first, and its snapshot must not be that of the check."""
    a, b = session("a"), session("b")
    a.run(a.log.append, [noted("first", "t")])
    a.begin()
    (before,) = a.run(lambda: list(a.log.read(tagged("t"))))
    if store.using == "default":
        # IMMEDIATE: whoever has begun is alone, so nothing can be committed since.
        assert a.run(a.log.append, [noted("mine", "t")], condition=since(tagged("t"), before.position))
        a.commit()
        return
    (between,) = b.run(b.log.append, [noted("between", "t")])
    with pytest.raises(AppendConditionFailed) as failed:
        a.run(a.log.append, [noted("mine", "t")], condition=since(tagged("t"), before.position))
    assert failed.value.positions == (between.position,)
    a.rollback()


@under_tags
def test_what_an_earlier_decision_of_the_transaction_guards_is_not_asked_for_again(
    store: Store, session: Opener
) -> None:
    """A lock that is held exclusively is refused shared while somebody waits for it."""
    a, b = session("a"), session("b")
    a.begin()
    a.run(a.log.dispatch, add("first", "x"), decider=weighing, query=tagged("t"))
    waiting = b.start(b.log.dispatch, add("late", "t"), decider=weighing, query=tagged("t"))
    b.see_waiting(a)
    second = a.run(a.log.dispatch, add("second", "t"), decider=weighing, query=tagged("u"))
    assert second.attempts == 1
    a.commit()
    assert saw(waiting.result(PATIENCE)) == ("second",)

"""Inline rows fold in the order of positions, whoever comes first (G7), and nobody deadlocks."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import uuid4

import pytest
from django.db import connections, transaction

from factos_django import Decider, Proposed, RetryTransaction, StoreBusy
from factos_django.models import ProjectionState
from factos_django.projections import projection
from factos_django.registry import PROJECTIONS
from factos_django.sql.postgresql import MARK_LOCKS, MOST_LOCKS_OF_TRANSACTION
from tests.guards.facts import tagged
from tests.guards.sessions import PATIENCE, Pause, Session, under_tags
from tests.ledger.domain import LEDGER, Closed, Deposited, LedgerBalance, Transferred, balance
from tests.ledger.models import Balance, Entry, FollowedBalance
from tests.ledger.replay import balances_in, balances_replayed
from tests.stores import on_databases

#: Longer than the limit on every database (MariaDB counts whole seconds), and shorter than their own.
SOON = 3.0


@dataclass(frozen=True)
class Doing:
    """A command that says what is to be recorded, once ``pause`` lets it."""

    events: tuple[Any, ...]
    pause: Callable[[], None] = field(default=lambda: None)


def decide(_state, command):
    command.pause()
    return command.events


doing = Decider(initial=None, decide=decide, evolve=lambda state, _event: state)


def assert_replayed(using):
    rows = balances_in(using)
    assert rows == balances_replayed(using)
    return rows


def row_names_in_lock_order(*accounts):
    """The accounts in the order in which PostgreSQL locks their rows: that of the hashes of these names."""
    names = {f"ledger.balances {json.dumps([account])}": account for account in accounts}
    by_hash = 'SELECT name FROM unnest(%s::text[]) AS name ORDER BY hashtext(name COLLATE "C")'
    with connections["postgres"].cursor() as cursor:
        cursor.execute(by_hash, [list(names)])
        return [names[row[0]] for row in cursor.fetchall()]


def marks_of(session):
    held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = %s AND pid = %s"
    return session._ask(held, MARK_LOCKS, session.pid)[0][0]


# Two appends of one row


@on_databases("postgres", "mariadb")
def test_a_row_that_a_higher_position_deletes_is_not_born_again_by_a_lower_one(store, session):
    """Row 8: no position is left to compare with where the row is gone."""
    a, b = session("a"), session("b")
    a.begin()
    (opened,) = a.run(a.log.append, [Deposited("x", 5)])
    waiting = b.start(b.log.append, [Closed("x")])
    b.see_waiting(a)
    a.commit()
    assert waiting.result(PATIENCE)[0].position > opened.position
    assert assert_replayed(store.using) == {}


@pytest.mark.parametrize("before", [[], [Deposited("x", 100)]], ids=["a new row", "a row that is there"])
@on_databases("postgres", "mariadb")
def test_two_appends_of_one_row_lose_no_update(store, session, before):
    """Row 9: the earlier one commits between the other's read and its write."""
    a, b = session("a"), session("b")
    if before:
        a.run(a.log.append, before)
    a.begin()
    a.run(a.log.append, [Deposited("x", 1)])
    waiting = b.start(b.log.append, [Deposited("x", 2)])
    b.see_waiting(a)
    a.commit()
    (last,) = waiting.result(PATIENCE)
    rows = assert_replayed(store.using)
    assert rows == {"x": (103 if before else 3, 3 if before else 2, last.position)}


@on_databases("postgres", "mariadb")
def test_a_row_of_an_append_that_is_rolled_back_counts_for_nobody(store, session):
    a, b = session("a"), session("b")
    a.begin()
    a.run(a.log.append, [Deposited("x", 1)])
    waiting = b.start(b.log.append, [Deposited("x", 2)])
    b.see_waiting(a)
    a.rollback()
    (last,) = waiting.result(PATIENCE)
    assert assert_replayed(store.using) == {"x": (2, 1, last.position)}


@on_databases("postgres", "mariadb")
def test_an_inline_handler_folds_one_append_at_a_time(store, session):
    """Row 10: nobody knows which rows arbitrary SQL writes, so one lock stands for all of them."""
    a, b = session("a"), session("b")
    a.begin()
    (first,) = a.run(a.log.append, [Transferred("v", "w", 1)])
    waiting = b.start(b.log.append, [Transferred("x", "y", 2)])
    b.see_waiting(a)
    a.commit()
    (second,) = waiting.result(PATIENCE)
    entries = Entry.objects.using(store.using).order_by("id").values_list("position", flat=True)
    assert list(entries) == [first.position, second.position]


@under_tags
def test_appends_of_other_rows_do_not_wait(store, session):
    """G5: the types and the projection are the same, the rows are not."""
    a, b = session("a"), session("b")
    a.begin()
    a.run(a.log.append, [Transferred("v", "w", 1)])
    assert b.run(b.log.append, [Deposited("x", 2), Closed("y")])
    a.commit()
    assert_replayed(store.using)


@under_tags
def test_whoever_waits_for_a_row_has_drawn_no_position_and_holds_no_head_back(store, session):
    """Row 25: a position that is drawn before the row is a position below those of who had the row."""
    a, b, c = session("a"), session("b"), session("c")
    a.begin()
    a.run(a.log.append, [Deposited("x", 1)])
    waiting = b.start(b.log.append, [Deposited("x", 2)])
    b.see_waiting(a)
    assert marks_of(b) == 0
    (meanwhile,) = c.run(c.log.append, [Deposited("y", 3)])
    (higher,) = a.run(a.log.append, [Deposited("x", 4)])
    a.commit()
    (last,) = waiting.result(PATIENCE)
    assert meanwhile.position < higher.position < last.position
    assert assert_replayed(store.using)["x"] == (7, 3, last.position)


@under_tags
def test_a_decision_waits_for_a_row_before_it_draws_a_position(store, session):
    """Row 25, for dispatch: it decides by a tag of its own, and the row is all that it shares."""
    a, b = session("a"), session("b")
    a.begin()
    a.run(a.log.append, [Deposited("x", 1)])
    command = Doing((Deposited("x", 2),))
    waiting = b.start(b.log.dispatch, command, decider=doing, query=tagged("order:7"))
    b.see_waiting(a)
    assert marks_of(b) == 0
    (higher,) = a.run(a.log.append, [Deposited("x", 4)])
    a.commit()
    done = waiting.result(PATIENCE)
    assert (done.attempts, done.position > higher.position) == (1, True)
    assert assert_replayed(store.using)["x"] == (7, 3, done.position)


@pytest.mark.parametrize(("first", "second"), [("log", "tags"), ("tags", "log")])
@on_databases("postgres")
def test_a_row_is_folded_once_at_a_time_by_processes_of_both_guards(store, session, first, second):
    """Who holds the gate takes no lock of a row, and whoever takes one has passed the gate."""
    a, b = session("a", guard=first), session("b", guard=second)
    a.begin()
    a.run(a.log.append, [Deposited("x", 1)])
    waiting = b.start(b.log.append, [Deposited("x", 2)])
    b.see_waiting(a)
    a.commit()
    (last,) = waiting.result(PATIENCE)
    assert assert_replayed(store.using)["x"] == (3, 2, last.position)


@on_databases("postgres")
def test_many_events_that_are_copied_wait_for_their_row_too(store, session):
    a, b = session("a"), session("b")
    a.begin()
    a.run(a.log.append, [Deposited("x", 1)])
    waiting = b.start(b.log.append, [Deposited("x", 2)] * 60)
    b.see_waiting(a)
    a.commit()
    last = waiting.result(PATIENCE)[-1]
    assert assert_replayed(store.using)["x"] == (121, 61, last.position)


@pytest.fixture
def fanning():
    """An inline projection of 300 rows for each fact, in the place of one that follows."""
    followed = PROJECTIONS.named("ledger.followed_balances")
    PROJECTIONS.unregister(followed.name)
    projection(
        "ledger.fanning",
        model=FollowedBalance,
        mode="inline",
        query=LEDGER,
        keys=lambda recorded: [f"{recorded.event.account} {n}" for n in range(300)],
        start=LedgerBalance,
        view=balance,
    )
    yield
    PROJECTIONS.unregister("ledger.fanning")
    PROJECTIONS.register(followed)


@pytest.mark.parametrize("dispatched", [False, True], ids=["append", "dispatch"])
@under_tags
def test_an_append_of_more_rows_than_it_may_lock_is_alone(store, session, fanning, dispatched):
    a, b = session("a"), session("b")
    a.begin()
    a.run(a.log.append, [Deposited("x", 1)])
    events = (Deposited("x", 2),)
    if dispatched:
        waiting = b.start(b.log.dispatch, Doing(events), decider=doing, query=tagged("order:7"))
    else:
        waiting = b.start(b.log.append, events)
    b.see_waiting(a)
    assert marks_of(b) == 0
    a.commit()
    assert waiting.result(PATIENCE)
    assert b.advisory_locks() == 0
    rows = balances_in(store.using, FollowedBalance)
    assert {row[:2] for row in rows.values()} == {(3, 2)}
    assert len(rows) == 300
    assert_replayed(store.using)


@pytest.mark.parametrize("dispatched", [False, True], ids=["append", "dispatch"])
@under_tags
def test_a_transaction_of_many_appends_ends_by_being_alone(store, session, dispatched):
    """Row 27: the lock table is the whole cluster's, and locks of rows fill it like those of tags."""
    a, b = session("a"), session("b")

    def append_often():
        for n in range(60):
            events = tuple(Deposited(f"account {n} {m}", 1) for m in range(5))  # as many tags, and rows
            if dispatched:
                a.log.dispatch(Doing(events), decider=doing, query=tagged(f"order:{n}"))
            else:
                a.log.append(events)

    a.begin()
    a.run(append_often)
    assert a.advisory_locks() <= MOST_LOCKS_OF_TRANSACTION + 1  # and the mark
    waiting = b.start(b.log.append, [Deposited("somebody else", 1)])
    b.see_waiting(a)
    a.commit()
    assert waiting.result(PATIENCE)
    assert len(assert_replayed(store.using)) == 301


# Projections that stop


@pytest.fixture
def poisoned(monkeypatch):
    """The inline projection of the balances fails at deposits of 666."""
    feed = PROJECTIONS.named("ledger.balances").feed

    def evolve(state, recorded):
        if recorded.event.amount == 666:
            raise LookupError(recorded.event.account)
        return balance.evolve(state, recorded)

    failing = replace(feed, evolve=evolve)
    registered = replace(PROJECTIONS.named("ledger.balances"), feed=failing)
    monkeypatch.setitem(PROJECTIONS._by_name, "ledger.balances", registered)


@pytest.mark.parametrize(("ends", "told"), [(Session.commit, "x"), (Session.rollback, "y")])
@under_tags
def test_of_two_appends_that_stop_a_projection_at_once_the_first_that_commits_says_why(
    store, session, poisoned, ends, told
):
    a, b, c = session("a"), session("b"), session("c")
    a.begin()
    a.run(a.log.append, [Deposited("x", 666)])
    waiting = b.start(b.log.append, [Deposited("y", 666)])
    b.see_waiting(a)
    assert c.run(c.log.append, [Deposited("z", 1)])  # whoever does not fail waits for neither
    ends(a)
    assert waiting.result(PATIENCE)
    state = ProjectionState.objects.using(store.using).get(pk="ledger.balances")
    assert (state.condition, state.error) == ("stopped", f"LookupError: {told}")


# No deadlocks


@under_tags
def test_two_appends_that_touch_the_same_rows_in_opposite_order_do_not_deadlock(store, session):
    """Row 26: rows in the order of events deadlock. Here all have them in the order of hashes."""
    early, late = row_names_in_lock_order("x", "y")
    a, b, holder = session("a"), session("b"), session("holder")
    for each in (a, b):
        each.break_deadlocks_after("1min")  # a deadlock would outlast the test's patience
    holder.begin()
    holder.run(holder.log.append, [Deposited(early, 1)])
    first = a.start(a.log.append, [Deposited(early, 2), Deposited(late, 2)])
    a.see_waiting(holder)
    second = b.start(b.log.append, [Deposited(late, 3), Deposited(early, 3)])
    b.see_waiting(holder)  # and holds the late one no more than a does
    holder.run(holder.log.append, [Deposited(late, 1)])
    holder.commit()
    assert first.result(PATIENCE)
    assert second.result(PATIENCE)
    assert {row[:2] for row in assert_replayed(store.using).values()} == {(6, 3)}


@on_databases("postgres", "mariadb")
def test_opposite_transfers_by_decisions_that_share_no_tag_do_not_deadlock(store, session):
    a, b = session("a"), session("b")
    pauses = Pause(), Pause()
    if store.using == "postgres":
        for each in (a, b):
            each.break_deadlocks_after("1min")
    first = a.start(
        a.log.dispatch,
        Doing((Transferred("x", "y", 1),), pauses[0]),
        decider=doing,
        query=tagged("order:1"),
    )
    pauses[0].reached()
    second = b.start(
        b.log.dispatch,
        Doing((Transferred("y", "x", 2),), pauses[1]),
        decider=doing,
        query=tagged("order:2"),
    )
    if store.guard == "tags":
        pauses[1].reached()  # both have decided, and record at once
    for pause in pauses:
        pause.go_on()
    assert {first.result(PATIENCE).attempts, second.result(PATIENCE).attempts} == {1}
    assert {account: row[:2] for account, row in assert_replayed(store.using).items()} == {
        "x": (1, 2),
        "y": (-1, 2),
    }


@on_databases("postgres", "mariadb")
def test_client_ids_and_rows_in_opposite_order_do_not_deadlock(store, session):
    """Row 26, for ids: they are keys, and locked before any row."""
    a, b, holder = session("a"), session("b"), session("holder")
    if store.using == "postgres":
        for each in (a, b):
            each.break_deadlocks_after("1min")
    batch = [Proposed(Deposited("x", 1), id=uuid4()), Proposed(Deposited("y", 2), id=uuid4())]
    holder.begin()
    holder.run(holder.log.append, [Deposited("x", 1), Deposited("y", 1)])
    first = a.start(a.log.append, batch)
    a.see_waiting()
    second = b.start(b.log.append, batch[::-1])
    b.see_waiting()
    holder.commit()
    assert first.result(PATIENCE) == second.result(PATIENCE)
    rows = assert_replayed(store.using)
    assert {account: row[:2] for account, row in rows.items()} == {"x": (2, 2), "y": (3, 2)}


@on_databases("postgres")
def test_whoever_locks_a_row_himself_before_he_appends_is_broken_off_and_nothing_stops(store, session):
    """Row 26: the application's own lock comes before ours, which is the one order that can deadlock."""
    a, b = session("a"), session("b")
    a.run(a.log.append, [Deposited("x", 1)])
    b.break_deadlocks_after("1min")
    a.break_deadlocks_after("10ms")
    a.begin()
    a.sql("SELECT FROM ledger_balance WHERE account = 'x' FOR UPDATE")
    waiting = b.start(b.log.append, [Deposited("x", 2)])
    b.see_waiting(a)
    with pytest.raises(RetryTransaction):
        a.run(a.log.append, [Deposited("x", 3)])
    a.rollback()
    (last,) = waiting.result(PATIENCE)
    assert assert_replayed(store.using) == {"x": (3, 2, last.position)}


# Waits


@on_databases("postgres", "mariadb")
def test_a_wait_for_a_row_that_somebody_has_locked_is_bounded(store, session, settings):
    """G10: whoever locks a row of a projection holds back the appends to it, and the head, for that long."""
    settings.FACTOS_LOCK_TIMEOUT_SECONDS = 0.3
    a, holder = session("a"), session("holder")
    a.run(a.log.append, [Deposited("x", 1)])
    holder.begin()
    holder.sql("SELECT account FROM ledger_balance WHERE account = 'x' FOR UPDATE")
    for events in ([Deposited("x", 2)], [Closed("x")]):
        with pytest.raises(StoreBusy):
            a.start(a.log.append, events).result(SOON)
    holder.rollback()
    a.run(a.log.append, [Deposited("x", 3)])
    assert assert_replayed(store.using)["x"][:2] == (4, 2)


@under_tags
def test_an_append_that_writes_rows_leaves_the_sessions_limit_alone(store, session):
    a = session("a")
    a.sql("SET lock_timeout = '7s'")
    a.begin()
    a.run(a.log.append, [Deposited("x", 1)])
    assert a.sql("SHOW lock_timeout") == [("7s",)]
    a.commit()
    a.run(a.log.append, [Deposited("x", 1)])
    assert a.sql("SHOW lock_timeout") == [("7s",)]


@under_tags
def test_a_wait_for_another_appends_row_is_bounded(store, session, settings):
    settings.FACTOS_LOCK_TIMEOUT_SECONDS = 0.3
    a, holder = session("a"), session("holder")
    holder.begin()
    holder.run(holder.log.append, [Deposited("x", 1)])
    with pytest.raises(StoreBusy):
        a.start(a.log.append, [Deposited("x", 2)]).result(SOON)
    holder.commit()
    assert assert_replayed(store.using)["x"][:2] == (1, 1)


# Savepoints, restarts, repetitions


@on_databases("postgres")
def test_a_savepoint_that_is_rolled_back_gives_its_row_up(store, session):
    """Row 29: nothing is remembered in Python, so the row is locked again when it is wanted again."""
    a, b = session("a"), session("b")

    def append_in_vain():
        with a.savepoint():
            a.log.append([Deposited("x", 1)])
            transaction.set_rollback(True, using=store.using)

    a.begin()
    a.run(append_in_vain)
    b.run(b.log.append, [Deposited("x", 2)])
    a.run(a.log.append, [Deposited("x", 4)])
    waiting = b.start(b.log.append, [Deposited("x", 8)])
    b.see_waiting(a)
    a.commit()
    (last,) = waiting.result(PATIENCE)
    assert assert_replayed(store.using) == {"x": (14, 3, last.position)}


@under_tags
def test_a_restarted_decision_holds_no_row_while_it_waits(store, session):
    """4.2, step 5: rows come after every other lock, in the second try as in the first."""
    a, b, c = session("a"), session("b"), session("c")
    b.begin()
    b.run(b.log.dispatch, Doing(()), decider=doing, query=tagged("account:y"))
    command = Doing((Transferred("x", "y", 1),))
    waiting = a.start(a.log.dispatch, command, decider=doing, query=tagged("account:x"))
    a.see_waiting(b)  # refused its share of account:y, and started again
    c.begin()
    c.run(c.log.append, [Deposited("x", 2)])
    b.rollback()
    a.see_waiting(c)
    c.commit()
    done = waiting.result(PATIENCE)
    assert done.attempts == 2
    assert assert_replayed(store.using) == {"x": (1, 2, done.position), "y": (1, 1, done.position)}


@pytest.mark.parametrize("way", ["key", "ids", "both"])
@pytest.mark.parametrize("dispatched", [False, True], ids=["append", "dispatch"])
@on_databases("postgres", "mariadb")
def test_a_repetition_folds_nothing_twice(store, session, way, dispatched):
    a, b = session("a"), session("b")
    event = Proposed(Deposited("x", 5), id=None if way == "key" else uuid4())
    key = None if way == "ids" else "k"

    def once(log):
        if not dispatched:
            return log.append([event], idempotency_key=key)
        depositing = Decider(initial=None, decide=lambda *_: [event], evolve=lambda state, _event: state)
        query = tagged("order:7")
        return log.dispatch("deposit", decider=depositing, query=query, idempotency_key=key).events

    a.begin()
    first = a.run(once, a.log)
    waiting = b.start(once, b.log)
    b.see_waiting(a)
    a.commit()
    assert waiting.result(PATIENCE) == tuple(first)
    assert a.run(once, a.log) == tuple(first)
    assert assert_replayed(store.using) == {"x": (5, 1, first[0].position)}
    assert Balance.objects.using(store.using).count() == 1

"""Effects with the same ordering key are delivered one after another, in the order of positions."""

from __future__ import annotations

import random
import time
from datetime import timedelta

import pytest
from django.db import connections, transaction

from factos_django import Backoff, Deliver
from factos_django.core.effect import effect_type_of
from factos_django.effects import announcing
from factos_django.effects.delivering import Outcome, deliver
from factos_django.effects.handlers import Handler, Policy
from factos_django.effects.outbox import attempting
from factos_django.effects.relaying import relay
from factos_django.effects.steering import drop
from factos_django.models import Effect
from factos_django.registry import HANDLERS
from factos_django.store import append
from factos_django.workers.leases import database_now
from tests.effects.makeshift import alone, effects, handler_of, reacting
from tests.faults.actors import actor, actors
from tests.guards.sessions import under_tags
from tests.parcels.domain import Bill, Notify, ParcelSent
from tests.stores import on_databases


class Mistake(Exception):
    """A handler's."""


def fails(*_):
    raise Mistake


def nothing(*_):
    pass


BILL = Bill("", "")


def bill_sent(number, buyer="renata"):
    return ParcelSent(f"p{number}", buyer, told="", billed="fine")


def bills(using, count=3):
    """Append facts with a Bill each, all of them behind one another; return the bills."""
    append([bill_sent(n) for n in range(count)], using=using)
    return effects(using)


def bill(function, **policy):
    return handler_of(function, effect=BILL, **policy)


def delivered(row, function=nothing, *, untimely=False, **policy):
    return deliver(row.pk, bill(function, **policy), row._state.db, untimely=untimely).outcome


@pytest.fixture
def published(monkeypatch):
    """The ids that are published, in that order."""
    told = []
    publisher = lambda outgoing, using: told.extend(each.id for each in outgoing)  # noqa: E731
    monkeypatch.setattr(announcing, "PUBLISHERS", [publisher])
    return told


@on_databases()
def test_each_waits_until_the_one_before_it_is_done_which_has_it_published(store, published):
    first, second, third = bills(store.using)
    published.clear()
    assert [delivered(each) for each in (third, second)] == [Outcome.WAITING] * 2
    assert published == []
    assert delivered(first) is Outcome.DELIVERED
    assert published == [second.pk]
    assert delivered(third) is Outcome.WAITING
    assert delivered(second) is Outcome.DELIVERED
    assert published == [second.pk, third.pk]
    assert delivered(third) is Outcome.DELIVERED
    assert [(row.state, row.attempts, row.holds) for row in effects(store.using)] == [("done", 1, False)] * 3


@on_databases()
def test_one_that_waits_is_not_counted_and_not_leased(store):
    _, second, _ = bills(store.using)
    delivered(second)
    second.refresh_from_db()
    assert (second.state, second.attempts, second.token, second.worker) == ("pending", 0, 0, "")


@on_databases()
def test_all_wait_behind_one_that_fails_and_go_on_once_it_is_done(store, published):
    first, second, _ = bills(store.using)
    published.clear()
    assert delivered(first, fails) is Outcome.FAILED
    assert delivered(second) is Outcome.WAITING
    assert published == []
    assert delivered(first, untimely=True) is Outcome.DELIVERED
    assert published == [second.pk]
    assert delivered(second) is Outcome.DELIVERED


@on_databases()
def test_all_go_on_without_a_dead_one(store, published):
    first, second, _ = bills(store.using)
    published.clear()
    assert delivered(first, fails, fatal=(Mistake,)) is Outcome.DEAD
    assert published == [second.pk]
    assert delivered(second) is Outcome.DELIVERED


@on_databases()
def test_all_wait_for_a_dead_one_where_its_handler_says_so(store, published):
    first, second, third = bills(store.using)
    published.clear()
    assert delivered(first, fails, fatal=(Mistake,), dead_holds=True) is Outcome.DEAD
    first.refresh_from_db()
    assert (first.state, first.holds) == ("dead", True)
    assert [delivered(each) for each in (second, third)] == [Outcome.WAITING] * 2
    assert published == []
    Effect.objects.using(store.using).filter(pk=first.pk).update(state="dropped", holds=False)
    assert delivered(second) is Outcome.DELIVERED


@on_databases()
def test_the_last_attempt_of_a_worker_that_died_lets_the_next_go(store, published):
    first, second, _ = bills(store.using)
    published.clear()
    long_ago = database_now(store.using) - timedelta(hours=1)
    Effect.objects.using(store.using).filter(pk=first.pk).update(
        state="running", attempts=5, token=5, worker="elsewhere/1:1:ab", leased_until=long_ago
    )
    assert delivered(first) is Outcome.DEAD
    assert published == [second.pk]


@on_databases()
def test_one_whose_lease_is_over_still_holds_the_others_back(store):
    first, second, _ = bills(store.using)
    long_ago = database_now(store.using) - timedelta(hours=1)
    Effect.objects.using(store.using).filter(pk=first.pk).update(state="running", leased_until=long_ago)
    assert delivered(second) is Outcome.WAITING


@on_databases()
def test_a_delay_holds_the_others_back_too(store, published):
    with alone(lambda recorded: [Deliver(Bill("p", "x"), ordering_key="k", delay=0 if seen else 3600)]):
        seen = []
        append([ParcelSent("p1", "renata")], using=store.using)
        seen.append(1)
        append([ParcelSent("p2", "renata")], using=store.using)
    first, second = effects(store.using)
    assert delivered(first) is Outcome.NOTHING
    assert delivered(second) is Outcome.WAITING


@on_databases()
def test_the_next_one_is_left_to_a_relay_while_its_own_time_has_not_come(store, published):
    first, second, _ = bills(store.using)
    published.clear()
    later = database_now(store.using) + timedelta(hours=1)
    Effect.objects.using(store.using).filter(pk=second.pk).update(available_at=later, publish_at=later)
    assert delivered(first) is Outcome.DELIVERED
    second.refresh_from_db()
    assert (published, second.publish_at) == ([], later)


@on_databases()
def test_other_keys_and_those_without_any_go_on(store):
    with alone(lambda recorded: [Deliver(Bill("p", "x"), ordering_key=recorded.event.buyer), Bill("p", "y")]):
        append([ParcelSent("p1", "renata"), ParcelSent("p2", "Renata")], using=store.using)
    first, free, other, free_too = effects(store.using)
    assert delivered(first, fails) is Outcome.FAILED
    assert [delivered(each) for each in (free, other, free_too)] == [Outcome.DELIVERED] * 3


@on_databases()
def test_a_key_is_one_line_across_reactors_and_kinds_of_effects(store, published):
    """Of one fact they follow in the order in which they were written: by the names of their reactors."""
    in_line = [Deliver(Notify("p", "x"), ordering_key="line"), Deliver(Bill("p", "x"), ordering_key="line")]
    with (
        alone(lambda recorded: in_line, name="tests.b"),
        reacting(lambda recorded: in_line[:1], name="tests.a"),
    ):
        append([ParcelSent("p1", "renata"), ParcelSent("p2", "renata")], using=store.using)
    line = sorted(effects(store.using), key=lambda row: (row.position, row.pk))
    assert [(row.reactor, row.name) for row in line[:3]] == [
        ("tests.a", "parcels.Notify"), ("tests.b", "parcels.Notify"), ("tests.b", "parcels.Bill"),
    ]  # fmt: skip
    published.clear()
    for place, row in enumerate(line):
        for behind in line[place + 1 :]:
            assert deliver(behind.pk, HANDLERS.named(behind.name), store.using).outcome is Outcome.WAITING
        assert deliver(row.pk, HANDLERS.named(row.name), store.using).outcome is Outcome.DELIVERED
    assert published == [row.pk for row in line[1:]]


@under_tags  # the other guard lets nobody append meanwhile
def test_a_later_one_waits_while_a_lower_position_may_still_be_committed(store):
    """On PostgreSQL positions are drawn before they are committed, so one may be committed after a higher."""

    def append_and_wait(pipe):
        with transaction.atomic(using=store.using):
            append([bill_sent(1)], using=store.using)
            pipe.send("open")
            pipe.recv()
        pipe.send("committed")

    with actor(append_and_wait) as slow:
        assert slow.hear() == "open"
        append([bill_sent(2)], using=store.using)
        (second,) = effects(store.using)
        assert delivered(second) is Outcome.WAITING
        sent = []
        Effect.objects.using(store.using).update(publish_at=database_now(store.using))
        told = relay(lambda outgoing, using: sent.extend(outgoing), store.using)
        assert (told.published, told.more, sent) == (0, False, [])
        slow.tell("commit")
        assert slow.hear() == "committed"
    first = Effect.objects.using(store.using).exclude(pk=second.pk).get()
    assert first.position < second.position
    assert delivered(second) is Outcome.WAITING
    assert [delivered(first), delivered(second)] == [Outcome.DELIVERED] * 2


@under_tags
def test_an_effect_without_ordering_key_waits_for_no_open_append(store):
    def append_and_wait(pipe):
        with transaction.atomic(using=store.using):
            append([ParcelSent("p1", "renata", told="")], using=store.using)
            pipe.send("open")
            pipe.recv()

    with actor(append_and_wait) as slow:
        assert slow.hear() == "open"
        append([ParcelSent("p2", "ada")], using=store.using)
        (row,) = effects(store.using)
        assert deliver(row.pk, handler_of(nothing), store.using).outcome is Outcome.DELIVERED
        slow.tell("commit")


LINES, FACTS = 3, 30


@on_databases()
def test_several_workers_keep_each_line_in_order_though_some_fail_and_all_are_done(store):
    """D10. Each attempt that succeeded appends to a list of its own process, by the database's clock."""

    def work(pipe):
        chance, done = random.Random(pipe.fileno()), []

        def handle(effect, delivery):
            if chance.random() < 0.3:
                raise Mistake
            done.append((delivery.position, database_now(store.using)))

        quick = Backoff(first=0.001, factor=1)
        kind = effect_type_of(BILL)
        handler = Handler(kind.name, kind, handle, Policy(max_attempts=10_000, backoff=quick))
        pipe.send("ready")
        pipe.recv()
        until = time.monotonic() + 60
        rows = Effect.objects.using(store.using)
        while time.monotonic() < until:
            open_ones = list(rows.exclude(state="done").values_list("pk", flat=True))
            if not open_ones:
                break
            deliver(chance.choice(open_ones), handler, store.using)
        connections[store.using].close()
        pipe.send(done)

    append([bill_sent(n, f"buyer-{n % LINES}") for n in range(FACTS)], using=store.using)
    with actors(*[work] * 3) as workers:
        assert [each.hear() for each in workers] == ["ready"] * 3
        for each in workers:
            each.tell("go")
        told = sorted((when, position) for each in workers for position, when in each.hear())
    lines = {row.position: row.ordering_key for row in effects(store.using)}
    assert len(told) == len(lines) == FACTS
    for line in {*lines.values()}:
        order = [position for _, position in told if lines[position] == line]
        assert order == sorted(order)


@on_databases("postgres", "mariadb")
def test_one_is_let_go_although_that_before_it_is_dropped_at_the_same_moment(store):
    """Who ends in front sees the dropped one wait still, until that transaction is over."""
    first, second, third = bills(store.using)
    later = database_now(store.using) + timedelta(hours=1)
    Effect.objects.using(store.using).update(publish_at=later)
    attempt = attempting.begin(first.pk, first.name, Policy(), store.using)

    def drop_and_wait(pipe):
        with transaction.atomic(using=store.using):
            drop(second.pk, reason="it is wrong", using=store.using)
            pipe.send("dropped")
            pipe.recv()

    def end(pipe):
        pipe.recv()
        attempting.end_done(attempt)

    with actors(drop_and_wait, end) as (dropping, ending):
        assert dropping.hear() == "dropped"
        ending.tell("end")
        time.sleep(0.5)  # until the other waits for the row; if it does not yet, it sees what is true
        dropping.tell("commit")
        assert (dropping.end(), ending.end()) == (0, 0)
    third.refresh_from_db()
    assert third.publish_at < later

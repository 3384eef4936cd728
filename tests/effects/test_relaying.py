"""The relay by itself, with a publisher that is a list: what is claimed, given back, and claimed again."""

from __future__ import annotations

import signal
from datetime import timedelta

import pytest
from django.db import OperationalError, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from factos_django import BrokerUnavailable, NoBroker
from factos_django.effects import relaying
from factos_django.effects.delivering import Outcome, deliver
from factos_django.effects.outbox import asking, publishing
from factos_django.effects.relayer import Relayer
from factos_django.effects.relaying import relay, relay_due
from factos_django.models import Effect
from factos_django.registry import HANDLERS
from factos_django.signals import effect_dead
from factos_django.store import append
from factos_django.tasks.publishing import published
from factos_django.workers import waking
from factos_django.workers.leases import database_now
from tests.effects.waiting import until
from tests.faults.actors import actor, actors, die
from tests.guards.sessions import under_tags
from tests.parcels.domain import ParcelSent
from tests.stores import on_databases

LEASE = 300


@pytest.fixture(autouse=True)
def _not_nudged(settings):
    """Relays need not leave new rows alone."""
    settings.FACTOS_CELERY_NUDGE = False
    settings.FACTOS_EFFECT_LEASE_SECONDS = LEASE


def into(taken):
    """A publisher whose broker is a list of ids."""

    def publish(outgoing, using):
        for each in outgoing:
            taken.append(each.id)
            yield each

    return publish


def send(number, using, **how):
    """Append this many facts, each with an effect; return the ids of the rows."""
    append([ParcelSent(str(each), "renata", **how) for each in range(number)], using=using)
    return list(Effect.objects.using(using).order_by("pk").values_list("pk", flat=True))


def rows(using):
    return list(Effect.objects.using(using).order_by("pk"))


@on_databases()
def test_what_is_due_is_published_once_and_is_due_again_after_its_lease(store):
    ids, taken = send(3, store.using), []
    assert relay(into(taken), store.using).published == 3
    assert taken == ids
    assert relay(into(taken), store.using).published == 0
    for row in rows(store.using):
        assert (row.publications, row.publish_at - row.published_at) == (1, timedelta(seconds=LEASE))
    Effect.objects.using(store.using).update(publish_at=F("published_at"))  # as the lease passes
    assert relay(into(taken), store.using).published == 3
    row = rows(store.using)[0]
    assert (row.publications, row.publish_at - row.published_at) == (2, timedelta(seconds=2 * LEASE))


@on_databases()
def test_attempts_that_failed_do_not_delay_the_next_publication(store):
    """Their messages have arrived; if that of the next one is lost, a lease is waited for, and no more."""
    (id,), taken = send(1, store.using, told="fails 2"), []
    for _ in range(3):
        Effect.objects.using(store.using).update(publish_at=F("created_at"))
        assert relay(into(taken), store.using).published == 1
        (row,) = rows(store.using)
        assert row.publish_at - row.published_at == timedelta(seconds=LEASE)
        deliver(id, HANDLERS.named(row.name), store.using, untimely=True)
    assert taken == [id] * 3


def relayed_until_nothing_is_due(using):
    def work(pipe):
        assert pipe.recv() == "go"
        taken, more = [], True
        while more:
            more = relay(into(taken), using, limit=50).more
        pipe.send(taken)

    return work


@on_databases()
def test_two_relays_share_a_thousand_rows_and_each_is_claimed_once(store):
    ids = send(1_000, store.using)
    with actors(*[relayed_until_nothing_is_due(store.using)] * 2) as relays:
        for each in relays:
            each.tell("go")
        taken = [each.hear() for each in relays]
    assert sorted([*taken[0], *taken[1]]) == ids


@pytest.mark.parametrize("published_before", [0, 2])
@on_databases()
def test_a_relay_that_is_killed_delays_what_it_had_claimed_by_its_lease(store, settings, published_before):
    ids = send(3, store.using)
    settings.FACTOS_EFFECT_LEASE_SECONDS = 3

    def work(pipe):
        def publish(outgoing, using):
            pipe.send("claimed")
            yield from outgoing[:published_before]
            die()

        relay(publish, store.using)

    with actor(work) as killed:
        assert killed.hear() == "claimed"
        with pytest.raises(EOFError):
            killed.hear()
        assert killed.end() == -signal.SIGKILL
    assert {row.publications for row in rows(store.using)} == {1}
    taken = []
    until(lambda: relay(into(taken), store.using).published, "the leases over")
    until(lambda: relay(into(taken), store.using) and len(taken) >= 3, "everything published")
    assert taken == ids


@on_databases()
def test_what_the_broker_does_not_take_is_given_back_at_once(store):
    send(3, store.using)

    def publish(outgoing, using):
        yield outgoing[0]
        raise BrokerUnavailable(reason="it is away")

    with pytest.raises(BrokerUnavailable):
        relay(publish, store.using)
    soon = database_now(store.using) + timedelta(seconds=relaying._PAUSE)
    assert [row.publications for row in rows(store.using)] == [1, 0, 0]
    assert [row.publish_at <= soon for row in rows(store.using)] == [False, True, True]


@on_databases()
def test_what_failed_meanwhile_is_not_published_before_its_next_attempt(store):
    send(1, store.using, told="later 1000")

    def publish(outgoing, using):
        done = deliver(outgoing[0].id, HANDLERS.named(outgoing[0].name), using)
        assert done.outcome is Outcome.FAILED
        raise BrokerUnavailable(reason="it took the message, and did not say so")
        yield

    with pytest.raises(BrokerUnavailable):
        relay(publish, store.using)
    (row,) = rows(store.using)
    assert row.publish_at == row.available_at > row.failed_at + timedelta(seconds=900)


@on_databases()
def test_a_slow_broker_gets_a_part_and_the_rest_is_given_back_long_before_its_lease_ends(store, monkeypatch):
    ids, taken = send(3, store.using), []
    monkeypatch.setattr(relaying, "_PUBLISHED_FOR", 0.0)
    for number in (1, 2, 3):
        relayed = relay(into(taken), store.using)
        assert (relayed.published, relayed.more) == (1, number < 3)
    assert taken == ids


@on_databases()
def test_all_that_is_due_is_published_however_slow_the_broker_is(store, monkeypatch):
    ids, taken = send(3, store.using), []
    monkeypatch.setattr(relaying, "_PUBLISHED_FOR", 0.0)
    assert relay_due(into(taken), store.using) == 3
    assert taken == ids


@on_databases()
def test_what_is_due_again_before_all_is_published_waits_for_the_next_call(store, settings):
    settings.FACTOS_EFFECT_LEASE_SECONDS = 1e-6
    ids, taken = send(3, store.using), []
    publish = into(taken)
    assert relay_due(lambda *what: publish(*what) if len(taken) < 9 else iter(()), store.using, limit=1) == 3
    assert sorted(taken) == ids  # one at a time: those due at one moment come in any order


@on_databases()
def test_many_that_wait_behind_another_are_put_off_by_few_statements(store):
    append([ParcelSent(str(n), "renata", told="", billed="fine") for n in range(50)], using=store.using)
    with CaptureQueriesContext(connections[store.using]) as asked:
        relayed = relay(into([]), store.using)
    assert (relayed.published, relayed.waiting) == (1, 49)
    assert len(asked) < 20


@on_databases()
def test_one_that_is_let_go_is_published_before_those_that_wait_for_others(store):
    """Each relay had to look at all of these first: they were due before it was let go."""
    for number in range(9):  # one by one, so that each is due at a moment of its own
        append([ParcelSent(str(number), "renata", told="", billed="fine")], using=store.using)
    first, second, *_ = rows(store.using)
    deliver(first.pk, HANDLERS.named(first.name), store.using)
    taken = []
    assert relay(into(taken), store.using, limit=1).published == 1
    assert taken == [second.pk]
    Effect.objects.using(store.using).filter(publish_at__isnull=False).update(publish_at=F("created_at"))
    deliver(second.pk, HANDLERS.named(second.name), store.using)
    assert relay(into(taken), store.using, limit=1).published == 1


@under_tags  # the other guard lets nobody append meanwhile
def test_a_relay_has_time_for_others_while_the_head_is_held_back(store, settings):
    """To put off what waits for it would take longer than the pause after which it is due again."""
    settings.FACTOS_POLL_SECONDS = 1e-6

    def append_and_wait(pipe):
        with transaction.atomic(using=store.using):
            append([ParcelSent("open", "b", told="")], using=store.using)
            pipe.send("open")
            pipe.recv()

    with actor(append_and_wait) as slow:
        assert slow.hear() == "open"
        append([ParcelSent(str(n), "renata", told="", billed="fine") for n in range(3)], using=store.using)
        (free,) = send(1, store.using)[3:]
        taken, before = [], [row.publish_at for row in rows(store.using)][:3]
        assert relay(into(taken), store.using, limit=1).published == 1
        assert not relay(into(taken), store.using, limit=1).more
        settings.FACTOS_POLL_SECONDS = 7
        assert Relayer(into(taken), store.using, lambda relayed: None).turn(lambda: False) == 7
        assert (taken, [row.publish_at for row in rows(store.using)][:3]) == ([free], before)
        slow.tell("commit")
        assert slow.end() == 0
    relay(into(taken), store.using)
    assert len(taken) == 2  # the first in line


@on_databases("default")
def test_a_relay_that_is_to_end_gives_back_what_it_has_not_published(store):
    send(3, store.using)
    taken = []
    job = Relayer(into(taken), store.using, lambda relayed: None)
    job.turn(lambda: True)
    assert [row.publications for row in rows(store.using)] == [1, 0, 0]
    assert job.turn(lambda: False) <= 1
    assert len(taken) == 3


@on_databases("default")
def test_a_relay_looks_again_when_the_next_effect_is_due(store, settings):
    settings.FACTOS_POLL_SECONDS = 100_000
    job = Relayer(into([]), store.using, lambda relayed: None)
    assert job.turn(lambda: False) == 100_000
    send(1, store.using)
    assert 0 < job.turn(lambda: False) <= LEASE


@on_databases()
def test_the_lease_of_a_worker_that_is_seen_to_be_dead_is_not_waited_for(store):
    (id,) = send(1, store.using, told="dies 1")
    handler = HANDLERS.named("parcels.Notify")
    with actor(lambda pipe: deliver(id, handler, store.using)) as worker:
        assert worker.end() == -signal.SIGKILL
    (row,) = rows(store.using)
    assert (row.state, row.leased_until > database_now(store.using)) == ("running", True)
    taken = []
    assert relay(into(taken), store.using).published == 1
    assert relay(into(taken), store.using).published == 0  # once is enough
    assert deliver(id, handler, store.using).delivery.attempt == 2
    (row,) = rows(store.using)
    assert (row.state, taken) == ("done", [id])


@on_databases("mariadb")
def test_a_relay_that_is_the_victim_of_a_deadlock_tries_again(store, monkeypatch):
    """What takes leases from the dead, and what gives back, locks rows in an order of its own."""
    ids, taken, victims = send(3, store.using), [], set()
    Effect.objects.using(store.using).filter(pk=ids[0]).update(
        state="running", worker="dead", leased_until=database_now(store.using) + timedelta(hours=1)
    )
    monkeypatch.setattr(publishing, "is_free", lambda *_: True)
    monkeypatch.setattr(relaying, "_PUBLISHED_FOR", 0.0)

    def once(execute, sql, params, many, context):
        if sql.startswith("UPDATE") and sql not in victims:
            victims.add(sql)
            raise OperationalError(1213, "Deadlock found when trying to get lock")
        return execute(sql, params, many, context)

    with connections[store.using].execute_wrapper(once):
        assert relay(into(taken), store.using).published == 1
    assert len(victims) == 3  # taken from the dead, claimed, given back
    assert relay_due(into(taken), store.using) == 2


@on_databases()
def test_the_lease_of_a_worker_that_lives_is_left_alone(store):
    (id,) = send(1, store.using, told="slow 1000")
    with actor(lambda pipe: deliver(id, HANDLERS.named("parcels.Notify"), store.using)) as worker:
        until(lambda: rows(store.using)[0].state == "running", "the attempt")
        assert relay(into([]), store.using).published == 0
        worker.kill()


@on_databases()
def test_an_effect_that_nobody_delivers_is_looked_at_for_a_while_and_then_dies(store, monkeypatch):
    append([ParcelSent("1", "b", told="", billed="fine"), ParcelSent("2", "b", told="", billed="fine")],
           using=store.using)  # fmt: skip
    first, second = rows(store.using)
    told, taken, mine = [], [], Effect.objects.using(store.using).filter(pk=first.pk)
    mine.update(name="parcels.Renamed", attempts=3)
    monkeypatch.setattr(effect_dead, "receivers", [])
    effect_dead.connect(lambda **said: told.append(said), weak=False)
    for _ in range(3):
        assert relay(into(taken), store.using).published == 0
        (row,) = mine
        assert (row.state, row.attempts, told) == ("pending", 3, [])
        assert "No handler is registered for parcels.Renamed" in row.error
        assert row.publish_at >= row.failed_at + timedelta(seconds=60)
        mine.update(publish_at=F("failed_at"))
    mine.update(failed_at=F("failed_at") - timedelta(days=1))
    assert relay(into(taken), store.using).published == 0
    (row,) = mine
    assert (row.state, row.publish_at, row.holds) == ("dead", None, False)
    assert [(each["effect"], each["delivery"].attempt) for each in told] == [(None, 3)]
    assert relay(into(taken), store.using).published == 1  # which had waited behind it
    assert taken == [second.pk]


@on_databases()
def test_a_process_that_dies_between_its_commit_and_the_callbacks_after_it_loses_nothing(store, monkeypatch):
    monkeypatch.setattr(asking, "GRACE_SECONDS", 0.0)

    def work(pipe):
        monkeypatch.setattr(BaseDatabaseWrapper, "run_and_clear_commit_hooks", die)
        append([ParcelSent("1", "renata")], using=store.using)

    with actor(work) as killed:
        assert killed.end() == -signal.SIGKILL
    taken = []
    assert relay(into(taken), store.using).published == 1
    assert taken == [rows(store.using)[0].pk]


@on_databases()
def test_an_effect_is_relayed_even_if_a_callback_before_ours_fails(store, settings, monkeypatch):
    settings.FACTOS_CELERY_NUDGE = True
    monkeypatch.setattr(asking, "GRACE_SECONDS", 0.0)
    taken = []

    def commit():
        with transaction.atomic(using=store.using):
            transaction.on_commit(lambda: 1 / 0, using=store.using)
            append([ParcelSent("1", "renata")], using=store.using)

    with pytest.raises(ZeroDivisionError):
        commit()
    assert relay(into(taken), store.using).published == 1


@on_databases()
def test_what_has_not_committed_is_published_by_nobody(store):
    taken = []

    def work(pipe):
        with transaction.atomic(using=store.using):
            append([ParcelSent("1", "renata")], using=store.using)
            pipe.send("written")
            pipe.recv()

    with actor(work) as writer:
        assert writer.hear() == "written"
        assert relay(into(taken), store.using).published == 0
        writer.tell("commit")
        assert writer.end() == 0
    assert relay(into(taken), store.using).published == 1


@on_databases("default")
def test_without_a_broker_nothing_is_published_and_the_reason_is_told(store):
    send(1, store.using)
    with pytest.raises(NoBroker):
        relay(published, store.using)
    assert rows(store.using)[0].publications == 0


@on_databases("postgres")
def test_a_commit_wakes_relays_where_nobody_follows(store, monkeypatch):
    monkeypatch.setattr(waking, "followers", lambda using: [])
    with CaptureQueriesContext(connections[store.using]) as asked:
        append([ParcelSent("1", "renata")], using=store.using)
    assert [each["sql"] for each in asked if each["sql"].startswith("NOTIFY")]
    monkeypatch.setattr(waking, "REACTORS", [])
    with CaptureQueriesContext(connections[store.using]) as asked:
        append([ParcelSent("2", "renata", told="")], using=store.using)
    assert not [each["sql"] for each in asked if each["sql"].startswith("NOTIFY")]


@on_databases("postgres")
def test_no_relay_is_woken_by_a_commit_that_publishes_by_itself(store, settings, monkeypatch):
    """It would leave the new effects alone, and each append would pay a statement for it."""
    settings.FACTOS_CELERY_NUDGE = True
    monkeypatch.setattr(waking, "followers", lambda using: [])
    with CaptureQueriesContext(connections[store.using]) as asked:
        append([ParcelSent("1", "renata")], using=store.using)
    assert not [each["sql"] for each in asked if each["sql"].startswith("NOTIFY")]

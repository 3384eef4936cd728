"""Attempts: counted before they begin, fenced by their token, timed by the database's clock."""

from __future__ import annotations

import signal
import time
from datetime import datetime, timedelta
from threading import Thread

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from django.db import connections, transaction
from django.test.utils import override_settings

from factos_django import (
    Backoff,
    DecodeError,
    Fatal,
    InsideTransaction,
    InvalidDelivery,
    RetryLater,
    TransactionLeftOpen,
    upcaster,
)
from factos_django.core.upcasting import _UPCASTERS
from factos_django.effects import notices
from factos_django.effects.delivering import Outcome, deliver
from factos_django.effects.outbox import attempting
from factos_django.models import Effect, Event
from factos_django.registry import HANDLERS
from factos_django.store import append
from factos_django.workers.leases import database_now, this_worker
from tests.effects.makeshift import effects, handler_of, only
from tests.faults.actors import actor, actors, die
from tests.parcels.domain import ParcelSent
from tests.stores import on_databases

#: Another machine: nobody can see whether its processes are alive.
ELSEWHERE = "elsewhere/1:1:ab"


class Mistake(Exception):
    """A handler's."""


class Worse(Mistake):
    """A kind of it."""


def fails(_effect, _delivery):
    raise Mistake("no")


def nothing(_effect, _delivery):
    pass


def asked_for(using):
    append([ParcelSent("p1", "renata")], using=using)
    return only(using)


def lease_over(row):
    Effect.objects.using(row._state.db).filter(pk=row.pk).update(
        leased_until=database_now(row._state.db) - timedelta(seconds=1), worker=ELSEWHERE
    )


def raising(error):
    def handle(_effect, _delivery):
        raise error

    return handler_of(handle, max_attempts=3)


@on_databases()
def test_an_attempt_is_counted_and_leased_before_the_handler_runs(store):
    row = asked_for(store.using)
    seen = []

    def look(effect, delivery):
        row.refresh_from_db()
        seen.append((row.state, row.attempts, row.token, row.worker, delivery.attempt))
        assert row.publish_at == row.leased_until
        left = row.leased_until - database_now(store.using)
        assert timedelta(seconds=20) < left <= timedelta(seconds=30)
        assert not connections[store.using].in_atomic_block

    assert deliver(row.pk, handler_of(look, lease_seconds=30), store.using).outcome is Outcome.DELIVERED
    assert seen == [("running", 1, 1, this_worker(), 1)]
    row.refresh_from_db()
    assert (row.state, row.worker, row.leased_until, row.publish_at) == ("done", "", None, None)
    assert abs(row.finished_at - database_now(store.using)) < timedelta(seconds=60)


@on_databases()
def test_the_lease_is_read_from_the_settings_when_it_is_used(store):
    row = asked_for(store.using)
    seen = []

    def look(_effect, _delivery):
        row.refresh_from_db()
        seen.append((row.leased_until - database_now(store.using)).total_seconds())

    with override_settings(FACTOS_EFFECT_LEASE_SECONDS=7):
        deliver(row.pk, handler_of(look), store.using)
    assert 0 < seen[0] <= 7


@on_databases()
def test_a_delivery_tells_all_that_the_handler_needs(store):
    (recorded,) = append([ParcelSent("p1", "renata")], metadata={"note": "x", "n": 1}, using=store.using)
    row = only(store.using)
    heard = []
    handler = handler_of(lambda effect, delivery: heard.append((effect, delivery)))
    done = deliver(row.pk, handler, store.using)
    ((effect, delivery),) = heard
    assert (done.effect, done.delivery) == (effect, delivery)
    assert (effect.parcel, delivery.attempt, delivery.reactor) == ("p1", 1, "parcels.notify")
    assert (delivery.position, delivery.event_id, delivery.using) == (
        recorded.position, recorded.id, store.using,
    )  # fmt: skip
    assert delivery.metadata == recorded.metadata == {"note": "x", "n": 1}


@on_databases()
def test_the_key_is_the_same_in_each_attempt_and_no_others(store):
    append([ParcelSent("p1", "renata", told="twice")], using=store.using)
    told = [
        [deliver(row.pk, raising(Mistake()), store.using, untimely=True).delivery.key for _ in range(2)]
        for row in effects(store.using)
    ]
    assert [len(set(each)) for each in told] == [1, 1]
    assert told[0][0] != told[1][0]


@on_databases("postgres")
def test_a_delivery_takes_three_statements_and_no_transaction(store):
    row = asked_for(store.using)
    statements = []

    def note(execute, sql, *others):
        statements.append(sql.partition(" ")[0])
        return execute(sql, *others)

    with connections[store.using].execute_wrapper(note):
        deliver(row.pk, handler_of(nothing), store.using)
    assert statements == ["SELECT", "UPDATE", "UPDATE"]


@on_databases()
def test_an_error_is_told_and_the_next_attempt_is_due_after_the_backoff(store):
    row = asked_for(store.using)
    handler = handler_of(fails, backoff=Backoff(first=100, factor=3, jitter=0))
    for attempt, seconds in enumerate((100, 300, 900), 1):
        failed = deliver(row.pk, handler, store.using, untimely=True)
        assert (failed.outcome, failed.delivery.attempt) == (Outcome.FAILED, attempt)
        row.refresh_from_db()
        assert (row.state, row.attempts, row.worker, row.leased_until) == ("pending", attempt, "", None)
        assert row.available_at == row.publish_at
        assert (row.available_at - row.failed_at).total_seconds() == pytest.approx(seconds, abs=0.01)
        assert row.error == "Mistake: no"
        assert "in fails" in row.traceback
    assert deliver(row.pk, handler, store.using).outcome is Outcome.NOTHING


@on_databases()
def test_an_effect_is_dead_after_its_last_attempt(store):
    row = asked_for(store.using)
    handler = handler_of(fails, max_attempts=2)
    outcomes = [deliver(row.pk, handler, store.using, untimely=True).outcome for _ in range(3)]
    assert outcomes == [Outcome.FAILED, Outcome.DEAD, Outcome.NOTHING]
    row.refresh_from_db()
    assert (row.state, row.attempts, row.publish_at, row.error) == ("dead", 2, None, "Mistake: no")
    assert row.finished_at is not None


@on_databases()
@pytest.mark.parametrize(
    "error", [Fatal("never"), Mistake("m"), Worse("w")], ids=lambda error: type(error).__name__
)
def test_a_fatal_error_is_the_end_at_once(store, error):
    row = asked_for(store.using)

    def handle(_effect, _delivery):
        raise error

    assert deliver(row.pk, handler_of(handle, fatal=(Mistake,)), store.using).outcome is Outcome.DEAD
    row.refresh_from_db()
    assert (row.state, row.attempts, row.error) == ("dead", 1, f"{type(error).__name__}: {error}")


@on_databases()
def test_a_handler_says_itself_when_it_is_to_be_tried_again(store):
    row = asked_for(store.using)
    handler = raising(RetryLater(1000, "closed on Sundays"))
    assert deliver(row.pk, handler, store.using).outcome is Outcome.FAILED
    row.refresh_from_db()
    assert row.error == "RetryLater: closed on Sundays"
    assert (row.available_at - row.failed_at).total_seconds() == pytest.approx(1000, abs=0.01)
    for expected in (Outcome.FAILED, Outcome.DEAD):  # it counts as an attempt
        assert deliver(row.pk, handler, store.using, untimely=True).outcome is expected


@on_databases()
@pytest.mark.parametrize("state", ["done", "dead", "dropped"])
def test_what_is_finished_is_not_delivered_again(store, state):
    """D19."""
    row = asked_for(store.using)
    Effect.objects.using(store.using).update(state=state, publish_at=None)
    assert deliver(row.pk, raising(Mistake()), store.using, untimely=True).outcome is Outcome.NOTHING
    row.refresh_from_db()
    assert (row.state, row.attempts) == (state, 0)


@on_databases()
def test_a_message_that_comes_before_its_time_does_nothing(store):
    row = asked_for(store.using)
    soon = database_now(store.using) + timedelta(seconds=0.5)
    Effect.objects.using(store.using).update(available_at=soon)
    assert deliver(row.pk, raising(Mistake()), store.using).outcome is Outcome.NOTHING
    until = time.monotonic() + 60
    while deliver(row.pk, handler_of(nothing), store.using).outcome is Outcome.NOTHING:
        assert time.monotonic() < until
        time.sleep(0.05)
    row.refresh_from_db()
    assert (row.state, row.attempts) == ("done", 1)


@on_databases()
def test_no_row_and_a_row_of_another_handler_are_ignored(store):
    row = asked_for(store.using)
    for id in (row.pk + 1, 0, -1, 2**63 - 1, 2**63, 10**40):
        assert deliver(id, handler_of(nothing), store.using).outcome is Outcome.NOTHING
    assert deliver(row.pk, HANDLERS.named("parcels.Bill"), store.using).outcome is Outcome.NOTHING
    row.refresh_from_db()
    assert (row.state, row.attempts) == ("pending", 0)


@on_databases()
def test_an_effect_that_somebody_has_is_left_to_him(store):
    row = asked_for(store.using)
    inner = []

    def again(_effect, _delivery):
        inner.append(deliver(row.pk, handler_of(fails), store.using, untimely=True).outcome)

    assert deliver(row.pk, handler_of(again), store.using).outcome is Outcome.DELIVERED
    assert inner == [Outcome.NOTHING]


@on_databases()
@pytest.mark.parametrize("mine", ["returns", "raises", "is fatal"])
@pytest.mark.parametrize("his", ["returned", "runs"])
def test_what_comes_of_an_attempt_that_outlived_its_lease_is_ignored(store, mine, his):
    """D9, D25: another has begun, under the same worker's name even; its token tells the two apart."""
    row = asked_for(store.using)
    told = []

    def outlives(_effect, delivery):
        if delivery.attempt == 2:
            return
        lease_over(row)
        Effect.objects.using(store.using).update(worker=this_worker())
        if his == "returned":
            assert deliver(row.pk, handler_of(outlives), store.using).outcome is Outcome.DELIVERED
        else:
            begun = attempting.begin(row.pk, row.name, handler_of(nothing).policy, store.using)
            assert begun.number == 2
        told.append(state_of(row))
        if mine != "returns":
            raise (Fatal if mine == "is fatal" else Mistake)("late")

    stale = deliver(row.pk, handler_of(outlives), store.using)
    assert stale.outcome is Outcome.SUPERSEDED
    assert (stale.error is None) is (mine == "returns")
    assert [state_of(row)] == told
    assert told[0][0] == ("done" if his == "returned" else "running")


def state_of(row):
    row.refresh_from_db()
    return row.state, row.attempts, row.token, row.leased_until, row.finished_at, row.publish_at


@on_databases()
def test_a_lease_that_is_over_may_still_be_ended_while_nobody_else_began(store):
    row = asked_for(store.using)
    assert deliver(row.pk, handler_of(lambda *_: lease_over(row)), store.using).outcome is Outcome.DELIVERED
    assert state_of(row)[:2] == ("done", 1)


@on_databases()
def test_an_attempt_that_never_ended_is_told_in_the_next_and_dead_after_the_last(store):
    row = asked_for(store.using)
    policy = handler_of(nothing, max_attempts=2).policy
    for attempt in (1, 2):
        begun = attempting.begin(row.pk, row.name, policy, store.using)
        assert begun.number == attempt
        lease_over(row)
    row.refresh_from_db()
    assert row.error == f"Attempt 1 never ended: {ELSEWHERE} died, or took longer than its lease."
    dead = deliver(row.pk, handler_of(fails, max_attempts=2), store.using)
    assert (dead.outcome, dead.delivery) == (Outcome.DEAD, None)
    row.refresh_from_db()
    assert (row.state, row.attempts, row.publish_at) == ("dead", 2, None)
    assert row.error.startswith("Attempt 2 never ended")
    assert not attempting.end_done(begun)  # were its worker alive after all
    assert not attempting.bury(begun, Mistake(), policy)
    row.refresh_from_db()
    assert row.state == "dead"


@on_databases()
def test_a_poison_effect_that_kills_its_worker_dies_in_so_many_attempts(store):
    """D17: the attempt was counted before it ran. The lease of a process of this machine ends with it."""
    row = asked_for(store.using)
    handler, killed = handler_of(die, max_attempts=3), 0
    while killed < 10:
        with actor(lambda pipe: pipe.send(deliver(row.pk, handler, store.using).outcome.value)) as worker:
            if worker.end() != -signal.SIGKILL:
                assert worker.hear() == "dead"
                break
            killed += 1
    row.refresh_from_db()
    assert (killed, row.state, row.attempts) == (3, "dead", 3)


@on_databases()
def test_an_effect_whose_worker_died_is_delivered_by_the_next_under_the_same_key(store):
    """D11: it was killed while it ran, and its work may be done."""
    row = asked_for(store.using)
    with actor(lambda _pipe: deliver(row.pk, handler_of(die), store.using)) as worker:
        assert worker.end() == -signal.SIGKILL
    row.refresh_from_db()
    assert (row.state, row.attempts) == ("running", 1)
    done = deliver(row.pk, handler_of(nothing), store.using)
    assert (done.outcome, done.delivery.attempt) == (Outcome.DELIVERED, 2)


@on_databases()
def test_of_many_that_begin_at_once_one_runs(store):
    asked_for(store.using)
    row = only(store.using)

    def work(pipe):
        ran = []
        connections[store.using].ensure_connection()
        pipe.send("ready")
        for _ in range(20):
            pipe.recv()
            outcome = deliver(row.pk, handler_of(lambda *_: ran.append(1)), store.using).outcome
            pipe.send((outcome.value, len(ran)))

    with actors(*[work] * 4) as workers:
        for each in workers:
            assert each.hear() == "ready"
        for turn in range(1, 21):
            for each in workers:
                each.tell("go")
            heard = [each.hear() for each in workers]
            assert sorted(outcome for outcome, _ in heard) == ["delivered", *["nothing"] * 3]
            assert sum(ran for _, ran in heard) == turn
            Effect.objects.using(store.using).update(state="pending")
    row.refresh_from_db()
    assert (row.attempts, row.token) == (20, 20)


@on_databases()
def test_an_effect_that_cannot_be_read_fails_and_is_tried_again(store):
    row = asked_for(store.using)
    for version, data, reason in (
        (1, '{"parcel": 7}', "Expected `str`"),
        (1, "{", ""),
        (2, "{}", "newer code wrote it"),
    ):
        Effect.objects.using(store.using).update(version=version, data=data)
        failed = deliver(row.pk, handler_of(nothing), store.using, untimely=True)
        assert (failed.outcome, failed.effect) == (Outcome.FAILED, None)
        assert isinstance(failed.error, DecodeError)
        row.refresh_from_db()
        assert reason in row.error
        assert f"Effect 'parcels.Notify' version {version} at position {row.position}" in row.error


@on_databases()
def test_an_effect_of_an_older_version_is_brought_up(store):
    row = asked_for(store.using)
    upcaster("parcels.Notify", 0)(lambda data: {"parcel": data["box"], "goes": "fine"})
    try:
        Effect.objects.using(store.using).update(version=0, data='{"box": "p7"}')
        assert deliver(row.pk, handler_of(nothing), store.using).effect.parcel == "p7"
    finally:
        del _UPCASTERS["parcels.Notify", 0]


@on_databases()
@pytest.mark.parametrize(
    "text", ["nul \x00 here", "lone \ud800 surrogate", "\U0001f600" * 3000, ""], ids=ascii
)
def test_an_error_is_kept_whatever_it_says(store, text, monkeypatch):
    monkeypatch.setattr(notices.logger, "disabled", True)  # pytest's workers send no surrogates home
    row = asked_for(store.using)
    assert deliver(row.pk, raising(Mistake(text)), store.using).outcome is Outcome.FAILED
    row.refresh_from_db()
    assert row.error.startswith("Mistake: ")
    assert len(row.error) <= 2000


class Unspeakable(Exception):
    """Its message cannot be told."""

    def __str__(self):
        raise ValueError


@on_databases()
def test_an_error_whose_message_cannot_be_told_is_recorded_all_the_same(store):
    row = asked_for(store.using)
    assert deliver(row.pk, raising(Unspeakable()), store.using).outcome is Outcome.FAILED
    row.refresh_from_db()
    assert row.error.startswith("Unspeakable: ")


@on_databases()
def test_a_time_limit_fails_the_attempt(store):
    row = asked_for(store.using)
    assert deliver(row.pk, raising(SoftTimeLimitExceeded()), store.using).outcome is Outcome.FAILED
    assert state_of(row)[0] == "pending"


@on_databases()
@pytest.mark.parametrize(
    "error", [SystemExit(1), KeyboardInterrupt()], ids=lambda error: type(error).__name__
)
def test_an_attempt_in_a_process_that_is_told_to_end_is_given_back(store, error):
    row = asked_for(store.using)
    with pytest.raises(type(error)):
        deliver(row.pk, raising(error), store.using)
    row.refresh_from_db()
    assert (row.state, row.attempts, row.leased_until) == ("pending", 1, None)
    assert row.error.startswith(type(error).__name__)


def begins_atomic(using):
    transaction.atomic(using=using).__enter__()
    Event.objects.using(using).count()


def goes_by_hand(using):
    transaction.set_autocommit(False, using=using)
    Event.objects.using(using).count()


@on_databases()
@pytest.mark.parametrize("leave", [begins_atomic, goes_by_hand])
@pytest.mark.parametrize("ends", ["returns", "raises"])
def test_a_transaction_that_a_handler_leaves_open_is_rolled_back_and_the_attempt_failed(store, leave, ends):
    row = asked_for(store.using)

    def handle(_effect, _delivery):
        leave(store.using)
        Effect.objects.using(store.using).update(ordering_key="lost")
        if ends == "raises":
            raise Mistake("own")

    failed = deliver(row.pk, handler_of(handle), store.using)
    assert failed.outcome is Outcome.FAILED
    assert isinstance(failed.error, Mistake if ends == "raises" else TransactionLeftOpen)
    connections[store.using].close()  # what is told is committed
    row.refresh_from_db()
    assert (row.state, row.ordering_key) == ("pending", None)
    assert deliver(row.pk, handler_of(nothing), store.using, untimely=True).outcome is Outcome.DELIVERED


@on_databases()
def test_a_handler_that_closes_connections_has_its_success_recorded(store):
    row = asked_for(store.using)
    handler = handler_of(lambda *_: connections[store.using].close())
    assert deliver(row.pk, handler, store.using).outcome is Outcome.DELIVERED
    assert state_of(row)[0] == "done"


KILL = {
    "postgresql": "SELECT pg_terminate_backend(%s)",
    "mysql": "KILL %s",
}
OWN = {"postgresql": "SELECT pg_backend_pid()", "mysql": "SELECT connection_id()"}


def cut_off(using):
    """Have the server end our session, of which we know nothing yet."""
    connection = connections[using]
    with connection.cursor() as cursor:
        cursor.execute(OWN[connection.vendor])
        (number,) = cursor.fetchone()

    def kill():
        with connections[using].cursor() as cursor:
            cursor.execute(KILL[connection.vendor], [number])
        connections[using].close()

    thread = Thread(target=kill)  # which has a connection of its own
    thread.start()
    thread.join()


@on_databases("postgres", "mariadb")
def test_a_connection_that_breaks_while_the_handler_runs_is_replaced_for_the_mark(store):
    row = asked_for(store.using)
    done = deliver(row.pk, handler_of(lambda *_: cut_off(store.using)), store.using)
    assert done.outcome is Outcome.DELIVERED
    assert state_of(row)[:2] == ("done", 1)


@on_databases("postgres", "mariadb")
def test_a_connection_that_broke_before_the_lease_costs_no_attempt(store):
    row = asked_for(store.using)
    cut_off(store.using)
    outcomes = []
    for _ in range(3):
        try:
            outcomes.append(deliver(row.pk, handler_of(nothing), store.using).outcome)
            break
        except Exception as error:  # the message comes again
            outcomes.append(type(error).__name__)
    assert outcomes[-1] is Outcome.DELIVERED
    assert state_of(row)[:2] == ("done", 1)


@on_databases()
def test_a_mark_whose_answer_was_lost_is_no_supersession(store, monkeypatch):
    row = asked_for(store.using)
    end_done, tries = attempting.end_done, []

    def answer_is_lost(attempt):
        ended = end_done(attempt)
        tries.append(ended)
        if len(tries) == 1:
            raise connections[store.using].Database.OperationalError
        return ended

    monkeypatch.setattr(attempting, "end_done", lambda attempt: wrapped(store.using, answer_is_lost, attempt))
    assert deliver(row.pk, handler_of(nothing), store.using).outcome is Outcome.DELIVERED
    assert tries == [True, True]
    assert state_of(row)[:2] == ("done", 1)


def wrapped(using, function, *arguments):
    with connections[using].wrap_database_errors:
        return function(*arguments)


@on_databases()
def test_a_mark_that_fails_leaves_an_effect_that_is_delivered_again_under_its_key(store, monkeypatch):
    """D28: the handler did its work, and the database went away before anybody wrote that down."""
    row = asked_for(store.using)
    heard = []
    handler = handler_of(lambda effect, delivery: heard.append((delivery.key, delivery.attempt)))

    def away(_attempt):
        raise connections[store.using].Database.OperationalError("away")

    with monkeypatch.context() as patched:
        patched.setattr("factos_django.effects.delivering._PAUSES", (0, 0))
        patched.setattr(attempting, "end_done", lambda attempt: wrapped(store.using, away, attempt))
        with pytest.raises(Exception, match="away"):
            deliver(row.pk, handler, store.using)
    assert state_of(row)[:2] == ("running", 1)
    assert deliver(row.pk, handler, store.using).outcome is Outcome.NOTHING
    lease_over(row)
    assert deliver(row.pk, handler, store.using).outcome is Outcome.DELIVERED
    assert [attempt for _, attempt in heard] == [1, 2]
    assert len({key for key, _ in heard}) == 1


@on_databases()
def test_no_delivery_is_made_inside_a_transaction(store):
    row = asked_for(store.using)
    with pytest.raises(InsideTransaction), transaction.atomic(using=store.using):
        deliver(row.pk, handler_of(nothing), store.using)
    assert state_of(row)[:2] == ("pending", 0)


class AnyMoment(type):
    """Moments that were not made by a stepped clock are moments, too."""

    def __instancecheck__(cls, value):
        return isinstance(value, datetime)


class Stepped(datetime, metaclass=AnyMoment):
    """A clock of this process that is days off."""

    by = timedelta(0)

    @classmethod
    def now(cls, tz=None):
        return datetime.now(tz) + cls.by


@pytest.mark.parametrize("days", [-30, 30])
@on_databases("postgres", "mariadb")
def test_the_clock_of_the_process_counts_for_nothing(store, monkeypatch, days):
    """D24: whether it is time, whether a lease is over, and what is due when, says the database."""
    real, by = time.time, timedelta(days=days)
    monkeypatch.setattr(Stepped, "by", by)
    monkeypatch.setattr(time, "time", lambda: real() + by.total_seconds())
    for module in (
        "workers.leases",
        "effects.outbox.attempting",
        "effects.outbox.publishing",
        "store.recording",
    ):
        monkeypatch.setattr(f"factos_django.{module}.datetime", Stepped)
    now = database_now(store.using)
    row = asked_for(store.using)
    assert abs(row.created_at - now) < timedelta(minutes=5)
    held = []

    def hold(_effect, _delivery):
        Effect.objects.using(store.using).update(worker=ELSEWHERE)
        held.append(deliver(row.pk, handler_of(fails), store.using).outcome)
        raise Mistake

    handler = handler_of(hold, backoff=Backoff(first=1000, jitter=0))
    assert deliver(row.pk, handler, store.using).outcome is Outcome.FAILED
    assert held == [Outcome.NOTHING]
    row.refresh_from_db()
    assert timedelta(seconds=900) < row.available_at - now < timedelta(seconds=1300)
    assert deliver(row.pk, handler, store.using).outcome is Outcome.NOTHING
    Effect.objects.using(store.using).update(available_at=now)
    assert deliver(row.pk, handler_of(nothing), store.using).outcome is Outcome.DELIVERED
    row.refresh_from_db()
    assert abs(row.finished_at - now) < timedelta(minutes=5)


@pytest.mark.parametrize("wrong", [True, "1", None, -1, float("nan"), float("inf"), 1e300])
def test_what_cannot_be_waited_for_is_no_retry(wrong):
    with pytest.raises(InvalidDelivery):
        RetryLater(wrong)

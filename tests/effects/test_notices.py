"""What is told of a delivery, after commit; and the stamps of what a handler does."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from django.db import connections
from django.test import RequestFactory, TestCase

from factos_django import Fatal, Query, QueryItem
from factos_django.core.decider import Decider
from factos_django.dispatch import dispatch, stamp
from factos_django.effects.delivering import Outcome, deliver
from factos_django.middleware import StampMiddleware
from factos_django.models import Effect
from factos_django.registry import HANDLERS
from factos_django.signals import effect_dead, effect_delivered, effect_failed
from factos_django.store import append, read
from tests.effects.makeshift import alone, effects, handler_of, only
from tests.parcels.domain import Notify, ParcelReported, ParcelSent
from tests.stores import on_databases

SIGNALS = {"delivered": effect_delivered, "failed": effect_failed, "dead": effect_dead}
REPORTED = Query.of(QueryItem(types=[ParcelReported]))
SENDS: Decider[Any, Any, Any] = Decider(
    decide=lambda state, command: [command], evolve=lambda state, event: state, initial=None
)


class Mistake(Exception):
    """A handler's, or a receiver's."""


def fails(*_):
    raise Mistake("no")


def nothing(*_):
    pass


@pytest.fixture
def heard():
    told, receivers = [], []
    for name, signal in SIGNALS.items():

        def hear(sender, signal, name=name, **said):
            assert not connections[said["using"]].in_atomic_block
            told.append((name, said))

        signal.connect(hear)
        receivers.append((signal, hear))
    yield told
    for signal, hear in receivers:
        signal.disconnect(hear)


@on_databases()
def test_each_outcome_is_told_once_it_is_recorded(store, heard):
    append([ParcelSent("p1", "renata", told="twice")], using=store.using)
    one, other = effects(store.using)
    handler = handler_of(fails, max_attempts=2)
    failed = deliver(one.pk, handler, store.using)
    dead = deliver(one.pk, handler, store.using, untimely=True)
    done = deliver(other.pk, handler_of(nothing), store.using)
    common = {"effect": Notify("p1", "twice"), "using": store.using}
    assert heard == [
        ("failed", {**common, "delivery": failed.delivery, "error": failed.error, "attempt": 1}),
        ("dead", {**common, "delivery": dead.delivery}),
        ("delivered", {**common, "delivery": done.delivery}),
    ]


@on_databases()
def test_what_could_not_be_read_and_what_was_abandoned_is_told_as_none(store, heard):
    append([ParcelSent("p1", "renata", told="twice")], using=store.using)
    unreadable, abandoned = effects(store.using)
    Effect.objects.using(store.using).filter(pk=unreadable.pk).update(data="{")
    Effect.objects.using(store.using).filter(pk=abandoned.pk).update(state="running", attempts=9)
    deliver(unreadable.pk, handler_of(nothing, max_attempts=1), store.using)
    deliver(abandoned.pk, handler_of(nothing), store.using)
    assert [(name, said["effect"], said["delivery"].attempt) for name, said in heard] == [
        ("dead", None, 1), ("dead", None, 9),
    ]  # fmt: skip


@on_databases()
def test_nothing_is_told_of_what_is_ignored_or_superseded(store, heard, caplog):
    append([ParcelSent("p1", "renata")], using=store.using)
    row = only(store.using)

    def lose(*_):
        Effect.objects.using(store.using).update(token=7)

    assert deliver(row.pk, handler_of(lose), store.using).outcome is Outcome.SUPERSEDED
    assert deliver(row.pk, handler_of(nothing), store.using).outcome is Outcome.NOTHING
    assert heard == []
    assert "outlived its lease" in caplog.text


@on_databases()
def test_a_receiver_that_fails_changes_nothing(store, heard):
    def fail(**_):
        raise Mistake

    append([ParcelSent("p1", "renata")], using=store.using)
    for signal in SIGNALS.values():
        signal.connect(fail)
    try:
        row = only(store.using)
        assert deliver(row.pk, handler_of(fails), store.using).outcome is Outcome.FAILED
        assert deliver(row.pk, handler_of(nothing), store.using, untimely=True).outcome is Outcome.DELIVERED
    finally:
        for signal in SIGNALS.values():
            signal.disconnect(fail)
    assert [name for name, _ in heard] == ["failed", "delivered"]


@on_databases()
def test_failures_are_logged_with_what_to_do(store, caplog):
    append([ParcelSent("p1", "renata")], using=store.using)
    row = only(store.using)
    handler = handler_of(fails, max_attempts=2)
    for _ in range(2):
        deliver(row.pk, handler, store.using, untimely=True)
    logged = [each for each in caplog.records if each.name == "factos_django.effects.notices"]
    assert [each.levelno for each in logged] == [logging.WARNING, logging.ERROR]
    assert all(each.exc_info[0] is Mistake for each in logged)
    assert f"factos_effects show {row.pk}" in logged[1].getMessage()


def reports(using, query=REPORTED):
    return [each.metadata for each in read(query, using=using)]


def report(_effect, delivery):
    append([ParcelReported("p1")], using=delivery.using)
    dispatch(ParcelReported("p1"), decider=SENDS, query=REPORTED, using=delivery.using)


@on_databases()
def test_what_a_handler_appends_or_dispatches_is_caused_by_the_fact(store):
    (sent,) = append([ParcelSent("p1", "renata")], using=store.using)
    deliver(only(store.using).pk, handler_of(report), store.using)
    caused = {"causation_id": str(sent.id), "correlation_id": str(sent.id)}
    assert reports(store.using) == [caused, caused]
    append([ParcelReported("p2")], using=store.using)
    assert reports(store.using)[2] == {}


@on_databases()
def test_it_keeps_the_correlation_of_the_request_and_not_its_actor(store):
    sent = []

    def view(_request):
        sent.extend(append([ParcelSent("p1", "renata")], using=store.using))

    headers = {"X-Request-ID": "r1", "X-Correlation-ID": "c1", "X-Causation-ID": "before"}
    StampMiddleware(view)(RequestFactory(headers=headers).get("/"))
    assert sent[0].metadata["correlation_id"] == "c1"
    deliver(only(store.using).pk, handler_of(report), store.using)
    assert reports(store.using) == [{"causation_id": str(sent[0].id), "correlation_id": "c1"}] * 2


@on_databases()
def test_effects_of_what_a_handler_appends_keep_the_correlation_and_name_their_own_cause(store):
    with alone(lambda recorded: [Notify(recorded.event.parcel, "")], query=Query.all()):
        (first,) = append([ParcelReported("1")], metadata={"correlation_id": "c"}, using=store.using)
        cause = first
        for number in ("2", "3", "4"):

            def again(effect, delivery, number=number):
                append([ParcelReported(number)], using=delivery.using)

            row = Effect.objects.using(store.using).get(state="pending")
            deliver(row.pk, handler_of(again), store.using)
            last = list(read(REPORTED, using=store.using))[-1]
            assert last.metadata == {"correlation_id": "c", "causation_id": str(cause.id)}
            cause = last


@on_databases()
def test_stamps_of_a_handlers_own_go_over_those_of_the_delivery(store):
    append([ParcelSent("p1", "renata")], using=store.using)

    def handle(_effect, delivery):
        with stamp(correlation_id="mine", actor="robot"):
            append([ParcelReported("p1")], using=delivery.using)

    deliver(only(store.using).pk, handler_of(handle), store.using)
    (told,) = reports(store.using)
    assert (told["correlation_id"], told["actor"]) == ("mine", "robot")


@on_databases()
def test_stamps_end_with_the_handler_however_it_ends(store):
    append([ParcelSent("p1", "renata")], using=store.using)
    deliver(only(store.using).pk, handler_of(fails), store.using)
    append([ParcelReported("p1")], using=store.using)
    assert reports(store.using) == [{}]


class TestInATestCase(TestCase):
    """Where the test's transaction stands for none."""

    def test_an_effect_is_delivered_in_the_transaction_of_the_test(self):
        append([ParcelSent("p1", "renata", told="fails 1")])
        row = only("default")
        handler = HANDLERS.named("parcels.Notify")
        with self.captureOnCommitCallbacks(execute=True):
            assert deliver(row.pk, handler, "default").outcome is Outcome.FAILED
        assert deliver(row.pk, handler, "default", untimely=True).outcome is Outcome.DELIVERED
        row.refresh_from_db()
        assert (row.state, row.attempts) == ("done", 2)

    def test_a_handler_whose_rows_fail_leaves_the_test_usable(self):
        append([ParcelSent("p1", "renata")])

        def handle(_effect, _delivery):
            append([ParcelReported("p1")])
            raise Fatal("after it appended")

        assert deliver(only("default").pk, handler_of(handle), "default").outcome is Outcome.DEAD
        assert only("default").state == "dead"

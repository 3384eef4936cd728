"""Delivery: an attempt is counted, made, and recorded."""

from __future__ import annotations

import pytest
from django.db import transaction

from factos_django.effects.delivering import Outcome, deliver
from factos_django.models import Effect
from factos_django.registry import HANDLERS
from factos_django.store import append
from tests.parcels.domain import ParcelSent
from tests.stores import on_databases


@on_databases()
def test_an_effect_is_written_with_its_fact_and_delivered_once(store):
    append([ParcelSent("p1", "renata")], using=store.using)
    (row,) = Effect.objects.using(store.using)
    assert (row.reactor, row.name, row.key, row.state) == ("parcels.notify", "parcels.Notify", "0", "pending")
    done = deliver(row.pk, HANDLERS.named(row.name), store.using)
    assert done.outcome is Outcome.DELIVERED
    assert done.delivery.attempt == 1
    row.refresh_from_db()
    assert (row.state, row.attempts, row.publish_at) == ("done", 1, None)
    assert deliver(row.pk, HANDLERS.named(row.name), store.using).outcome is Outcome.NOTHING


@on_databases()
def test_an_attempt_that_fails_is_recorded_and_the_next_one_is_due_later(store):
    append([ParcelSent("p1", "renata", told="fails 1")], using=store.using)
    (row,) = Effect.objects.using(store.using)
    failed = deliver(row.pk, HANDLERS.named(row.name), store.using)
    assert failed.outcome is Outcome.FAILED
    row.refresh_from_db()
    assert (row.state, row.attempts) == ("pending", 1)
    assert row.error == "OSError: attempt 1 failed"
    assert row.publish_at == row.available_at > row.failed_at
    assert deliver(row.pk, HANDLERS.named(row.name), store.using).outcome is Outcome.NOTHING
    assert deliver(row.pk, HANDLERS.named(row.name), store.using, untimely=True).outcome is Outcome.DELIVERED


@on_databases()
def test_what_is_behind_a_failing_one_of_its_ordering_key_waits(store):
    append(
        [
            ParcelSent("p1", "renata", told="", billed="fails 1"),
            ParcelSent("p2", "renata", told="", billed="fine"),
        ],
        using=store.using,
    )
    first, second = Effect.objects.using(store.using).order_by("position")
    handler = HANDLERS.named("parcels.Bill")
    assert deliver(second.pk, handler, store.using).outcome is Outcome.WAITING
    assert deliver(first.pk, handler, store.using).outcome is Outcome.FAILED
    assert deliver(second.pk, handler, store.using).outcome is Outcome.WAITING
    assert deliver(first.pk, handler, store.using, untimely=True).outcome is Outcome.DELIVERED
    assert deliver(second.pk, handler, store.using).outcome is Outcome.DELIVERED


class Changed(Exception):
    """The caller changed his mind."""


def append_and_change_my_mind(using):
    with transaction.atomic(using=using):
        append([ParcelSent("p1", "renata")], using=using)
        raise Changed


@on_databases()
def test_a_rollback_takes_the_effects_with_the_facts(store):
    with pytest.raises(Changed):
        append_and_change_my_mind(store.using)
    assert not Effect.objects.using(store.using).exists()

"""What a person does about effects: retry, drop, prune; on every database."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.db import connections, transaction
from django.test.utils import CaptureQueriesContext

from factos_django import (
    EffectFinished,
    EffectRunning,
    InvalidBatchSize,
    InvalidMetadata,
    ReasonMissing,
    UnknownEffect,
)
from factos_django.core.delivery import effect_key
from factos_django.effects import announcing
from factos_django.effects.delivering import Outcome
from factos_django.effects.finding import EffectFilter, effects_matching
from factos_django.effects.outbox import attempting, publishing
from factos_django.effects.steering import drop, prune, retry, retry_all
from factos_django.models import EffectAction
from factos_django.registry import HANDLERS
from tests.effects.outboxes import attempt, billed, dead, effects, finished, notified, once_dead
from tests.stores import on_databases


class Changed(Exception):
    """The caller changed his mind."""


def actions(using):
    fields = ("effect_id", "action", "state", "attempts", "actor", "reason")
    return list(EffectAction.objects.using(using).order_by("pk").values_list(*fields))


def retry_and_change_my_mind(id, using):
    with transaction.atomic(using=using):
        retry(id, using=using)
        raise Changed


def leased(row, using):
    """Let somebody else be at work on it."""
    policy = HANDLERS.named(row.name).policy
    with transaction.atomic(using=using):
        begun = attempting.begin(row.pk, row.name, policy, using)
    assert isinstance(begun, attempting.Attempt)
    return begun


@pytest.fixture
def published(monkeypatch):
    """What is handed over for publishing."""
    found = []
    monkeypatch.setattr(announcing, "PUBLISHERS", [lambda outgoing, using: found.extend(outgoing)])
    return found


# Retry


@on_databases()
def test_a_dead_effect_that_is_retried_twice_gets_one_new_attempt_under_the_same_key(store):
    row = dead(store.using, "fails 5")
    was = effect_key(row.reactor, row.event_id, row.name, row.key)
    assert retry(row.pk, actor="ana", reason="mended", using=store.using) == 1
    assert retry(row.pk, using=store.using) == 0
    row.refresh_from_db()
    assert (row.state, row.attempts, row.finished_at) == ("pending", 4, None)
    assert actions(store.using) == [(row.pk, "retry", "dead", 4, "ana", "mended")]
    done = attempt(row, store.using)
    assert (done.outcome, done.delivery.attempt, done.delivery.key) == (Outcome.DEAD, 5, was)
    assert (row.state, row.attempts) == ("dead", 5)
    assert attempt(row, store.using).outcome is Outcome.NOTHING
    assert retry(row.pk, using=store.using) == 1
    assert attempt(row, store.using).outcome is Outcome.DELIVERED
    assert effects(store.using).count() == 1


@on_databases()
def test_two_who_retry_at_once_get_one_attempt(store):
    row = dead(store.using)
    changed, begun = [], threading.Barrier(2)

    def retries():
        begun.wait()
        changed.append(retry(row.pk, using=store.using))
        connections[store.using].close()

    threads = [threading.Thread(target=retries) for _ in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(changed) == [0, 1]
    assert len(actions(store.using)) == 1


@on_databases()
def test_what_is_retried_is_published_after_the_commit_and_found_by_relays(store, published):
    row = dead(store.using)
    published.clear()
    with transaction.atomic(using=store.using):
        retry(row.pk, using=store.using)
        assert published == []
    assert [each.id for each in published] == [row.pk]
    with transaction.atomic(using=store.using):
        assert [each.id for each in publishing.claim(10, store.using).outgoing] == [row.pk]


@on_databases()
def test_a_retry_is_undone_with_the_callers_transaction(store, published):
    row = dead(store.using)
    published.clear()
    with pytest.raises(Changed):
        retry_and_change_my_mind(row.pk, store.using)
    row.refresh_from_db()
    assert (row.state, actions(store.using), published) == ("dead", [], [])


@on_databases()
def test_one_that_was_to_wait_is_due_now(store):
    row = notified(store.using, "fails 1")
    attempt(row, store.using)
    effects(store.using).update(available_at=row.available_at + timedelta(hours=1))
    assert attempt(row, store.using).outcome is Outcome.NOTHING
    assert retry(row.pk, using=store.using) == 1
    assert attempt(row, store.using).outcome is Outcome.DELIVERED
    assert actions(store.using) == [(row.pk, "retry", "pending", 1, "", "")]


@on_databases()
def test_one_whose_message_was_lost_is_published_again_and_nothing_is_recorded(store, published):
    row = notified(store.using)
    effects(store.using).update(publish_at=row.publish_at + timedelta(hours=1))
    published.clear()
    assert retry(row.pk, using=store.using) == 0
    assert [each.id for each in published] == [row.pk]
    with transaction.atomic(using=store.using):
        assert [each.id for each in publishing.claim(10, store.using).outgoing] == [row.pk]
    assert actions(store.using) == []


@on_databases()
def test_what_is_at_work_done_or_unknown_is_refused(store):
    row = notified(store.using)
    begun = leased(row, store.using)
    for steer in (retry, lambda id, using: drop(id, reason="no", using=using)):
        with pytest.raises(EffectRunning) as refused:
            steer(row.pk, using=store.using)
        assert (refused.value.id, refused.value.worker) == (row.pk, begun.effect.worker)
    with transaction.atomic(using=store.using):
        assert attempting.end_done(begun)
    with pytest.raises(EffectFinished) as finished:
        retry(row.pk, using=store.using)
    assert (finished.value.state, finished.value.action) == ("done", "retry")
    with pytest.raises(EffectFinished, match="nothing to drop"):
        drop(row.pk, reason="no", using=store.using)
    with pytest.raises(UnknownEffect):
        retry(row.pk + 1, using=store.using)
    with pytest.raises(UnknownEffect):
        drop(row.pk + 1, reason="no", using=store.using)
    assert actions(store.using) == []


@on_databases()
def test_one_whose_lease_has_ended_is_retried_and_who_held_it_records_nothing(store):
    row = notified(store.using)
    begun = leased(row, store.using)
    effects(store.using).update(leased_until=row.available_at)
    assert retry(row.pk, using=store.using) == 1
    with transaction.atomic(using=store.using):
        assert not attempting.end_done(begun)
    row.refresh_from_db()
    assert (row.state, row.worker) == ("pending", "")
    assert row.error.startswith("Attempt 1 never ended")
    assert attempt(row, store.using).delivery.attempt == 2


@on_databases()
def test_what_was_dropped_can_be_retried(store):
    row = notified(store.using)
    drop(row.pk, reason="twice sold", using=store.using)
    assert retry(row.pk, using=store.using) == 1
    assert attempt(row, store.using).outcome is Outcome.DELIVERED


@on_databases()
def test_later_ones_of_its_ordering_key_wait_for_one_that_is_retried(store):
    first, second = billed(store.using, "fails 4", "fine")
    once_dead(first, store.using)
    assert not first.holds
    retry(first.pk, using=store.using)
    assert attempt(second, store.using).outcome is Outcome.WAITING
    assert attempt(first, store.using).outcome is Outcome.DELIVERED
    assert attempt(second, store.using).outcome is Outcome.DELIVERED


@on_databases()
def test_the_dead_ones_behind_it_are_retried_with_it_in_order(store, published):
    rows = billed(store.using, "fails 4", "fails 4", "fine", "fails 4")
    other = once_dead(billed(store.using, "fails 4", buyer="olga")[0], store.using)
    for row in rows[:2]:
        once_dead(row, store.using)
    attempt(rows[2], store.using)
    once_dead(rows[3], store.using)
    published.clear()
    assert retry(rows[0].pk, behind=True, actor="ana", using=store.using) == 3
    assert [each.id for each in published] == [rows[0].pk], "the others wait for it"
    assert [each[0] for each in actions(store.using)] == [rows[0].pk, rows[1].pk, rows[3].pk]
    assert attempt(rows[3], store.using).outcome is Outcome.WAITING
    for row in (rows[0], rows[1], rows[3]):
        assert attempt(row, store.using).outcome is Outcome.DELIVERED
    other.refresh_from_db()
    assert other.state == "dead"


@on_databases()
def test_all_that_are_meant_are_retried_in_batches(store, monkeypatch):
    monkeypatch.setattr("factos_django.effects.steering._BATCH", 2)
    lost = [dead(store.using) for _ in range(5)]
    fine = notified(store.using)
    attempt(fine, store.using)
    assert retry_all(EffectFilter(name="parcels.Bill"), using=store.using) == 0
    assert retry_all(EffectFilter(name="parcels.Notify"), limit=3, using=store.using) == 3
    assert list(effects(store.using).filter(state="pending")) == lost[:3]
    assert retry_all(EffectFilter(), actor="ana", using=store.using) == 2
    assert retry_all(EffectFilter(), using=store.using) == 0
    assert retry_all(EffectFilter(state="done"), using=store.using) == 0
    assert len(actions(store.using)) == 5


@on_databases("default")
def test_an_actor_or_a_reason_that_cannot_be_stored_is_refused(store):
    row = dead(store.using)
    with pytest.raises(InvalidMetadata, match="actor"):
        retry(row.pk, actor="a" * 256, using=store.using)
    with pytest.raises(InvalidMetadata, match="reason"):
        retry(row.pk, reason="a\0b", using=store.using)
    row.refresh_from_db()
    assert row.state == "dead"


# Drop


@on_databases()
def test_what_is_dropped_is_recorded_with_its_reason_and_never_delivered(store):
    row = dead(store.using)
    drop(row.pk, reason=" sold twice ", actor="ana", using=store.using)
    row.refresh_from_db()
    assert (row.state, row.publish_at, row.attempts) == ("dropped", None, 4)
    assert row.error == "OSError: attempt 4 failed", "what is known of it stays"
    assert actions(store.using) == [(row.pk, "drop", "dead", 4, "ana", "sold twice")]
    assert attempt(row, store.using, untimely=True).outcome is Outcome.NOTHING
    with pytest.raises(EffectFinished, match="is dropped"):
        drop(row.pk, reason="again", using=store.using)


@on_databases()
@pytest.mark.parametrize("reason", ["", " \n"])
def test_nothing_is_dropped_without_a_reason(store, reason):
    row = dead(store.using)
    with pytest.raises(ReasonMissing):
        drop(row.pk, reason=reason, using=store.using)
    row.refresh_from_db()
    assert row.state == "dead"


@on_databases()
def test_what_waits_for_one_that_is_dropped_is_published_then(store, published):
    first, second = billed(store.using, "fails 4", "fine")
    attempt(first, store.using)
    assert attempt(second, store.using).outcome is Outcome.WAITING
    published.clear()
    drop(first.pk, reason="no", using=store.using)
    assert [each.id for each in published] == [second.pk]
    assert attempt(second, store.using).outcome is Outcome.DELIVERED


# Finding


@on_databases()
def test_effects_are_found_by_what_is_known_of_them_the_last_first(store):
    first, second = billed(store.using, "fine", "fine")
    third = dead(store.using)
    finished(store.using, 1, timedelta(days=2))

    def found(limit=None, **chosen):
        return list(effects_matching(EffectFilter(**chosen), limit=limit, using=store.using))

    assert found(name="parcels.Bill") == [second, first]
    assert found(name="parcels.Bill", limit=1) == [second]
    assert found(state="dead") == found(reactor="parcels.notify") == [third]
    assert found(state="pending", ordering_key="renata") == [second, first]
    assert found(event_id=first.event_id) == found(position=first.position) == [first]
    assert found(event_id=uuid4()) == []
    assert [each.name for each in found(older_than=timedelta(days=1))] == ["old"]
    assert found(newer_than=timedelta(days=1)) == [third, second, first]
    assert len(effects_matching(using=store.using)) == 4


# Pruning


@on_databases()
def test_what_is_long_finished_is_removed_and_the_dead_and_the_young_stay(store, settings):
    old, young = timedelta(days=31), timedelta(days=29)
    for state in ("done", "dropped", "dead"):
        finished(store.using, 3, old, state)
        finished(store.using, 1, young, state)
    row = dead(store.using)
    drop(row.pk, reason="no", using=store.using)
    effects(store.using).filter(pk=row.pk).update(finished_at=row.finished_at - old)
    assert prune(batch=2, using=store.using) == 7
    left = [(each.state, each.name) for each in effects(store.using).order_by("state")]
    assert left == [("dead", "old")] * 4 + [("done", "old"), ("dropped", "old")]
    assert actions(store.using) == [], "with the effect goes what was done to it"
    settings.FACTOS_EFFECT_RETENTION_DAYS = 28
    assert prune(using=store.using) == 2
    assert prune(older_than=timedelta(0), using=store.using) == 0


@on_databases("default")
@pytest.mark.parametrize("batch", [0, -1, True, 1.5])
def test_a_batch_that_is_no_number_of_rows_is_refused(store, batch):
    with pytest.raises(InvalidBatchSize):
        prune(batch=batch, using=store.using)


@on_databases()
def test_relays_claim_what_is_due_while_others_prune(store):
    """D27: each finished row is removed once, and none that is due is touched."""
    finished(store.using, 400, timedelta(days=40))
    due = [notified(store.using) for _ in range(20)]
    effects(store.using).filter(state="pending").update(publish_at=due[0].available_at)
    removed, claimed = [], []

    def prunes():
        removed.append(prune(batch=20, using=store.using))
        connections[store.using].close()

    def claims():
        for _ in range(5):
            with transaction.atomic(using=store.using):
                claimed.extend(publishing.claim(5, store.using).outgoing)
        connections[store.using].close()

    threads = [threading.Thread(target=work) for work in (prunes, prunes, claims)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sum(removed) + prune(using=store.using) == 400
    assert sorted(each.id for each in claimed) == [row.pk for row in due]
    assert effects(store.using).count() == 20


@on_databases("postgres")
def test_pruning_and_looking_for_what_is_due_read_their_indexes_in_order(store):
    """D27: whatever is asked among many rows, finished or not, none of them is sorted."""
    finished(store.using, 20_000, timedelta(days=1))
    finished(
        store.using, 5_000, timedelta(hours=1), "pending", publish_at=datetime.now(UTC), finished_at=None
    )
    finished(store.using, 100, timedelta(days=40))
    with connections[store.using].cursor() as cursor:
        cursor.execute("ANALYZE factos_effect")
    assert "factos_effect_state" in plan_of(lambda: prune(using=store.using), store.using)
    assert "factos_effect_due" in plan_of(lambda: publishing.seconds_until_due(store.using), store.using)
    assert "factos_effect_due" in plan_of(lambda: publishing.is_anything_due(store.using), store.using)
    with transaction.atomic(using=store.using):
        assert "factos_effect_due" in plan_of(lambda: publishing.claim(1, store.using), store.using)


def plan_of(work, using):
    """How the database finds the effects that ``work`` looks for first."""
    with CaptureQueriesContext(connections[using]) as asked:
        work()
    looks = [
        each["sql"] for each in asked if each["sql"].startswith("SELECT") and "factos_effect" in each["sql"]
    ]
    with connections[using].cursor() as cursor:
        cursor.execute(f"EXPLAIN {looks[0]}")
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "Sort" not in plan.replace("Incremental Sort", ""), plan
    return plan

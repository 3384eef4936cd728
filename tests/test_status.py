"""What is going on: the log, who holds it back, where projections stand, and whether somebody has to look."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connections, transaction
from django.test.utils import CaptureQueriesContext

from factos_django import Query, QueryItem
from factos_django.effects.steering import drop
from factos_django.models import ParkedEvent, ProjectionRun, ProjectionState
from factos_django.projections import projection_handler
from factos_django.projections.failures import Failure
from factos_django.projections.states import ensure_states, lease, put_off, stop
from factos_django.registry import PROJECTIONS
from factos_django.status import EffectCount, Health, Lag, Status, health, status
from factos_django.status import log as log_module
from factos_django.status.effects import effects_status
from factos_django.store import append
from factos_django.workers.leases import this_worker
from tests.effects.outboxes import attempt, dead, effects, finished, notified
from tests.faults.servers import on_own_servers, own_server
from tests.guards.sessions import Session, under_tags
from tests.ledger.domain import Deposited, Transferred
from tests.ledger.factos import balances, entries, followed_balances, turnovers
from tests.scratch import second_session
from tests.stores import Store, on_databases

ALL = ["ledger.balances", "ledger.entries", "ledger.followed_balances", "ledger.followed_entries"]


def of(found: Status, name: str) -> Any:
    """The status of the projection `name`."""
    (one,) = (each for each in found.projections if each.name == name)
    return one


def states(using: str) -> Any:
    return ProjectionState.objects.using(using)


@pytest.fixture(autouse=True)
def known(request: pytest.FixtureRequest) -> None:
    """Write down where projections stand, as migrate does; the flush of another test may have forgotten."""
    if "store" in request.fixturenames:
        store = request.getfixturevalue("store")
        ensure_states([each for each in PROJECTIONS if each.takes_part(store.using)], store.using)


def failure(position: int) -> Failure:
    return Failure(position, uuid4(), "ValueError: no", "Traceback")


# The log


@on_databases()
def test_an_empty_log_stands_at_nothing(store: Store) -> None:
    log = status(store.using).log
    assert (log.head, log.position, log.events, log.is_estimate) == (0, 0, 0, False)
    assert (log.holder, log.is_held_too_long) == (None, False)


@on_databases()
def test_the_log_stands_at_its_last_event(store: Store) -> None:
    *_, last = append([Deposited("a", 1), Deposited("b", 1)], using=store.using)
    log = status(store.using).log
    assert (log.head, log.position, log.events, log.is_estimate) == (last.position, last.position, 2, False)


@on_databases()
def test_more_events_than_are_counted_are_estimated(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_module, "_COUNTED", 100)
    append([Deposited("a", 1)] * 100, using=store.using)
    log = status(store.using).log
    assert (log.events, log.is_estimate) == (100, False)
    append([Deposited("a", 1)] * 900, using=store.using)
    if store.using == "postgres":
        with connections[store.using].cursor() as cursor:
            cursor.execute("ANALYZE factos_event")
    log = status(store.using).log
    assert log.is_estimate
    assert 900 <= log.events <= log.position


@on_databases("postgres")
def test_an_estimate_knows_what_was_added_since_the_table_was_analysed(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_module, "_COUNTED", 100)
    append([Deposited("a", 1)] * 1_000, using=store.using)
    with connections[store.using].cursor() as cursor:
        cursor.execute("ANALYZE factos_event")
    append([Deposited("a", 1)] * 9_000, using=store.using)
    assert 9_000 < status(store.using).log.events <= 10_000


@contextmanager
def open_append(using: str, account: str = "held") -> Iterator[Session]:
    """Another session that has appended, and keeps its transaction open."""
    session = Session(using, account)
    try:
        session.begin()
        session.run(append, [Deposited(account, 1)], using=using)
        yield session
    finally:
        session.close()


@under_tags
def test_the_open_append_with_the_lowest_mark_holds_the_head_back(store: Store, settings: Any) -> None:
    append([Deposited("a", 1)], using=store.using)
    with open_append(store.using) as first, open_append(store.using, "other"):
        *_, last = append([Deposited("b", 1)], using=store.using)
        log = status(store.using).log
        assert log.head < log.holder.position + 1 <= log.position == last.position  # type: ignore[union-attr]
        assert log.holder is not None
        assert log.holder.pid == first.pid
        assert log.holder.state == "idle in transaction"
        assert log.holder.seconds is not None
        assert log.holder.query
        assert not log.is_held_too_long
        settings.FACTOS_MAX_HELD_SECONDS = 1e-6
        assert status(store.using).log.is_held_too_long
        (problem,) = health(store.using).problems
        assert f"by pid {first.pid}" in problem
        first.rollback()
        first.begin()  # it has not appended: an old transaction holds nothing back
        assert status(store.using).log.holder.pid != first.pid  # type: ignore[union-attr]
    assert status(store.using).log.holder is None


@on_databases("postgres")
def test_ones_own_open_append_holds_nothing_back(store: Store) -> None:
    with transaction.atomic(using=store.using):
        *_, last = append([Deposited("a", 1)], using=store.using)
        log = status(store.using).log
    assert (log.head, log.holder) == (last.position, None)


@on_own_servers("postgres")
def test_a_prepared_transaction_holds_the_head_back(store: Store) -> None:
    with own_server(store.using) as server:
        server.restart(store.using, "max_prepared_transactions=2")
        connections[store.using].close()
        append([Deposited("a", 1)], using=store.using)
        with second_session(store.using) as cursor:
            cursor.execute("BEGIN")
            cursor.execute("SELECT nextval('factos_event_position_seq')")
            # As an append marks itself: the position that was drawn last before its own.
            cursor.execute("SELECT pg_advisory_xact_lock_shared(1178682115, 1)")
            cursor.execute("PREPARE TRANSACTION 'it''s late'")
        try:
            holder = status(store.using).log.holder
            assert holder is not None
            assert (holder.pid, holder.query) == (None, "PREPARE TRANSACTION 'it''s late'")
            assert holder.seconds is not None
        finally:
            with second_session(store.using) as cursor:
                cursor.execute("ROLLBACK PREPARED 'it''s late'")
        assert status(store.using).log.holder is None


@on_databases("default", "mariadb")
def test_nobody_holds_the_head_of_other_databases_back(store: Store) -> None:
    with transaction.atomic(using=store.using):
        append([Deposited("a", 1)], using=store.using)
        assert status(store.using).log.holder is None


# Projections


@on_databases()
def test_each_registered_projection_has_a_status_and_an_inline_one_is_never_behind(store: Store) -> None:
    append([Deposited("a", 1)], using=store.using)
    found = status(store.using)
    assert set(ALL) <= {each.name for each in found.projections}
    assert [each.name for each in found.projections] == sorted(each.name for each in found.projections)
    inline = of(found, "ledger.balances")
    assert (inline.mode, inline.condition, inline.position, inline.lag) == ("inline", "running", None, None)
    assert not inline.needs_rebuild
    assert (inline.worker, inline.leased_until, inline.run, inline.last_error, inline.parked) == (
        ("", None, None, None, 0)
    )


@on_databases()
def test_a_follower_is_behind_by_the_facts_of_its_query_alone(store: Store) -> None:
    first, *_ = append(
        [Transferred("a", "b", 1), Deposited("a", 1), Transferred("b", "a", 1)], using=store.using
    )
    found = status(store.using)
    assert (of(found, "ledger.turnovers").mode, of(found, "ledger.turnovers").position) == ("async", 0)
    assert of(found, "ledger.turnovers").lag.events == 2
    assert of(found, "ledger.followed_balances").lag.events == 3
    states(store.using).filter(pk="ledger.turnovers").update(position=first.position)
    assert of(status(store.using), "ledger.turnovers").lag.events == 1
    states(store.using).update(position=found.log.head)
    assert of(status(store.using), "ledger.turnovers").lag == Lag(events=0, is_more=False, seconds=0.0)


@on_databases()
def test_the_lag_in_seconds_is_the_age_of_the_first_fact_that_is_missing(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    append([Transferred("a", "b", 1)], using=store.using)
    later = datetime.now(UTC) + timedelta(hours=1)
    monkeypatch.setattr("factos_django.status.projections.database_now", lambda using: later)
    assert 3590 < of(status(store.using), "ledger.turnovers").lag.seconds < 3700
    earlier = later - timedelta(hours=2)  # a clock that is behind that of who appended
    monkeypatch.setattr("factos_django.status.projections.database_now", lambda using: earlier)
    assert of(status(store.using), "ledger.turnovers").lag.seconds == 0


@on_databases()
def test_no_more_than_wanted_is_counted(store: Store) -> None:
    append([Deposited("a", 1)] * 10, using=store.using)
    for most, said in ((9, (9, True)), (10, (10, False)), (11, (10, False))):
        lag = of(status(store.using, count_to=most), "ledger.followed_balances").lag
        assert (lag.events, lag.is_more) == said


@on_databases()
def test_a_lag_over_a_query_of_several_items_counts_each_fact_once(store: Store) -> None:
    items = [QueryItem(types=[Deposited]), QueryItem(tags=["account:a"]), QueryItem(types=[Transferred])]
    with declared("test.items", Query.of(*items)):
        append([Deposited("a", 1), Transferred("a", "b", 1), Deposited("b", 1)], using=store.using)
        for most, said in ((2, (2, True)), (3, (3, False))):
            lag = of(status(store.using, count_to=most), "test.items").lag
            assert (lag.events, lag.is_more) == said


@contextmanager
def declared(name: str, query: Query, **options: Any) -> Iterator[Any]:
    """A handler that is registered inside the block."""

    def ignore(recorded: Any, using: str) -> None: ...

    try:
        yield projection_handler(name, query=query, tables=["oddities.Tally"], **options)(ignore)
    finally:
        PROJECTIONS.unregister(name)


@under_tags
def test_a_fact_above_the_head_is_no_lag(store: Store) -> None:
    with open_append(store.using):
        append([Transferred("a", "b", 1)], using=store.using)
        assert of(status(store.using), "ledger.turnovers").lag.events == 0


@on_databases()
def test_a_fact_that_no_class_is_registered_for_can_be_behind_too(store: Store) -> None:
    append([Transferred("a", "b", 1)], using=store.using)
    from factos_django.core.event_types import EVENT_TYPES

    by_name = EVENT_TYPES._by_name
    kept = by_name.pop("ledger.Transferred")
    try:
        assert of(status(store.using), "ledger.turnovers").lag.events == 1
    finally:
        by_name["ledger.Transferred"] = kept


@on_databases()
def test_a_projection_that_nobody_has_worked_on_is_new(store: Store) -> None:
    states(store.using).all().delete()
    found = status(store.using)
    assert {each.condition for each in found.projections} == {"new"}
    assert not any(each.needs_rebuild for each in found.projections)
    assert not states(store.using).exists(), "status writes nothing"
    append([Transferred("a", "b", 1)], using=store.using)
    found = status(store.using)
    assert of(found, "ledger.turnovers").lag.events == 1
    # An inline one has missed what was recorded before anybody knew of it; a follower misses nothing.
    assert of(found, "ledger.balances").needs_rebuild
    assert not of(found, "ledger.followed_balances").needs_rebuild


@on_databases()
def test_another_version_or_query_needs_a_rebuild(store: Store) -> None:
    states(store.using).filter(pk=balances.name).update(version=7)
    states(store.using).filter(pk=turnovers.name).update(query_digest="0" * 64)
    found = status(store.using)
    assert [each.name for each in found.projections if each.needs_rebuild] == [balances.name, turnovers.name]
    assert health(store.using) == Health(
        ok=False,
        problems=(
            "ledger.balances needs a rebuild: manage.py rebuild_projections ledger.balances",
            "ledger.turnovers needs a rebuild: manage.py rebuild_projections ledger.turnovers",
        ),
    )


@on_databases()
def test_a_stopped_projection_says_why_and_since_when(store: Store) -> None:
    why = failure(3)
    stop(entries, why, store.using)
    found = of(status(store.using), "ledger.entries")
    assert found.condition == "stopped"
    assert (found.last_error.position, found.last_error.event) == (3, why.event)
    assert (found.last_error.error, found.last_error.next_attempt_at) == ("ValueError: no", None)
    assert abs(datetime.now(UTC) - found.last_error.since) < timedelta(hours=1)
    assert health(store.using).problems == ("ledger.entries stopped at position 3: ValueError: no",)


@on_databases()
def test_one_that_tries_again_is_running_and_says_when(store: Store) -> None:
    taken = lease(followed_balances.name, store.using)
    assert taken is not None
    put_off(taken, failure(3))
    found = of(status(store.using), "ledger.followed_balances")
    assert (found.condition, found.last_error.attempts) == ("running", 1)
    assert found.last_error.next_attempt_at > found.last_error.since
    assert health(store.using).ok


@on_databases()
def test_who_works_on_it_is_told_while_the_lease_lasts(store: Store) -> None:
    taken = lease(turnovers.name, store.using)
    assert taken is not None
    found = of(status(store.using), "ledger.turnovers")
    assert found.worker == this_worker()
    assert found.leased_until > datetime.now(UTC)
    ended = datetime.now(UTC) - timedelta(seconds=1)
    states(store.using).filter(pk=turnovers.name).update(leased_until=ended)
    found = of(status(store.using), "ledger.turnovers")
    assert (found.worker, found.leased_until) == ("", None)


@on_databases()
def test_parked_events_are_counted(store: Store) -> None:
    for position in (3, 5):
        ParkedEvent.objects.using(store.using).create(
            projection=turnovers.name, position=position, error="no", parked_at=datetime.now(UTC)
        )
    found = status(store.using)
    assert [each.parked for each in found.projections if each.parked] == [2]
    assert of(found, "ledger.turnovers").parked == 2
    assert health(store.using).ok


@on_databases()
def test_a_rebuild_that_goes_on_is_told_and_one_that_ended_is_not(store: Store) -> None:
    now = datetime.now(UTC)
    run = ProjectionRun.objects.using(store.using).create(
        projection=turnovers.name,
        worker=this_worker(),
        leased_until=now + timedelta(hours=1),
        started_at=now,
        position=5,
        head=9,
        events=4,
    )
    found = of(status(store.using), "ledger.turnovers").run
    assert (found.worker, found.checks_only, found.since) == (this_worker(), False, now)
    assert (found.position, found.head, found.events) == (5, 9, 4)
    run.worker = ""
    run.save(using=store.using)
    assert of(status(store.using), "ledger.turnovers").run is None


@on_databases()
def test_what_is_no_longer_registered_is_listed_as_unknown(store: Store) -> None:
    for name in ("old.sales", "old.audit"):
        states(store.using).create(name=name, version=1, query_digest="0" * 64)
    assert status(store.using).unknown == ("old.audit", "old.sales")
    assert health(store.using).ok


@on_databases()
def test_a_projection_of_another_database_is_left_out(store: Store, settings: Any) -> None:
    class Elsewhere:
        def allow_migrate(self, db: str, app_label: str, **_: Any) -> bool | None:
            return False if app_label == "ledger" else None

    settings.DATABASE_ROUTERS = [Elsewhere()]
    assert not [each for each in status(store.using).projections if each.name.startswith("ledger.")]
    assert status(store.using).unknown == ()


@on_databases()
def test_status_is_as_cheap_for_a_thousand_events_as_for_one(store: Store) -> None:
    append([Transferred("a", "b", 1)], using=store.using)
    with CaptureQueriesContext(connections[store.using]) as few:
        status(store.using)
    append([Transferred("a", "b", 1)] * 1_000, using=store.using)
    with CaptureQueriesContext(connections[store.using]) as many:
        status(store.using)
    assert len(many) == len(few)


@on_databases()
def test_status_has_json(store: Store) -> None:
    append([Transferred("a", "b", 1)], using=store.using)
    stop(entries, failure(3), store.using)
    data = json.loads(json.dumps(status(store.using).as_data()))
    assert data["database"] == store.using
    assert data["log"]["events"] == 1
    (stopped,) = (each for each in data["projections"] if each["name"] == "ledger.entries")
    assert stopped["last_error"]["error"] == "ValueError: no"
    assert datetime.fromisoformat(stopped["last_error"]["since"]).tzinfo is not None


# Effects


@on_databases()
def test_effects_are_counted_by_their_state(store: Store) -> None:
    none = status(store.using).effects
    assert none.pending == none.running == none.done == none.dead == none.dropped == EffectCount(0, False)
    assert (none.oldest_due_seconds, none.oldest_dead_since) == (0.0, None)
    first, second = dead(store.using), dead(store.using)
    drop(notified(store.using).pk, reason="no", using=store.using)
    attempt(notified(store.using), store.using)
    notified(store.using)
    found = status(store.using).effects
    assert (found.pending, found.running, found.done) == (EffectCount(1, False), none.running, found.pending)
    assert (found.dead, found.dropped) == (EffectCount(2, False), found.pending)
    assert found.oldest_dead_since == first.finished_at < second.finished_at
    assert found.oldest_due_seconds > 0
    assert health(store.using).ok
    assert health(store.using, max_age=timedelta(hours=1), max_dead=2).ok
    assert len(health(store.using, max_age=timedelta(0), max_dead=1).problems) == 2


@on_databases()
def test_one_that_is_to_wait_is_not_due_and_one_that_is_at_work_is(store: Store) -> None:
    row = notified(store.using)
    effects(store.using).update(available_at=row.available_at + timedelta(hours=1))
    assert status(store.using).effects.oldest_due_seconds == 0
    hour_ago = row.available_at - timedelta(hours=1)
    effects(store.using).update(available_at=hour_ago, state="running")
    found = status(store.using).effects
    assert 3_600 <= found.oldest_due_seconds < 7_200
    assert found.running == EffectCount(1, False)


@on_databases()
def test_no_more_effects_are_counted_than_somebody_asks_for(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("factos_django.status.effects.COUNTED", 2)
    monkeypatch.setattr("factos_django.status.health_check.COUNTED", 2)
    finished(store.using, 3, timedelta(days=1))
    finished(store.using, 5, timedelta(days=1), "dead")
    found = status(store.using, count_dead_to=4).effects
    assert (found.done, found.dead) == (EffectCount(2, True), EffectCount(4, True))
    assert health(store.using, max_dead=5).ok
    (problem,) = health(store.using, max_dead=3).problems
    assert problem.startswith("more than 3 effects are dead, of 3 allowed")


@on_databases()
def test_nothing_more_is_counted_of_anything_than_somebody_can_wait_for(store: Store) -> None:
    append([Transferred("a", "b", 1)] * 6, using=store.using)
    for state in ("done", "dead"):
        finished(store.using, 6, timedelta(days=1), state)
    for position in range(6):
        ParkedEvent.objects.using(store.using).create(
            projection=turnovers.name, position=position, error="no", parked_at=datetime.now(UTC)
        )
    found = status(store.using, count_to=100, count_dead_to=100, at_most=4)
    assert (found.effects.done, found.effects.dead) == (EffectCount(4, True), EffectCount(4, True))
    assert found.effects.pending == EffectCount(0, False)
    behind = of(found, turnovers.name)
    assert (behind.lag.events, behind.lag.is_more, behind.parked) == (
        3,
        True,
        3,
    )  # and one was read to know it
    assert found.log.is_estimate
    assert 5 <= found.log.events <= found.log.position
    assert status(store.using, at_most=6).log.events == 6
    assert of(status(store.using, count_to=2, at_most=6), turnovers.name).lag.events == 2


@on_databases()
def test_the_oldest_that_is_due_is_looked_for_where_a_relay_looks_next(store: Store) -> None:
    first, second = notified(store.using), notified(store.using)
    due = first.available_at - timedelta(hours=1)
    published = due + timedelta(hours=9)
    effects(store.using).filter(pk=first.pk).update(available_at=due, publish_at=published)
    effects(store.using).filter(pk=second.pk).update(available_at=due + timedelta(minutes=30))
    assert 3_600 <= status(store.using).effects.oldest_due_seconds < 5_400
    assert 3_600 <= status(store.using, at_most=2).effects.oldest_due_seconds < 5_400
    assert 1_800 <= status(store.using, at_most=1).effects.oldest_due_seconds < 3_600
    effects(store.using).filter(pk=second.pk).update(available_at=due + timedelta(hours=5))
    assert status(store.using, at_most=1).effects.oldest_due_seconds == 0


@on_databases("postgres")
def test_finished_effects_cost_nothing(store: Store) -> None:
    """D27: what is asked is answered by an index, and counted to a bound."""
    finished(store.using, 20_000, timedelta(days=1))
    notified(store.using)
    with connections[store.using].cursor() as cursor:
        cursor.execute("ANALYZE factos_effect")
    with CaptureQueriesContext(connections[store.using]) as asked:
        effects_status(100, store.using)
    for each in asked:
        if "factos_effect" in each["sql"]:
            with connections[store.using].cursor() as cursor:
                cursor.execute(f"EXPLAIN {each['sql']}")
                plan = "\n".join(line for (line,) in cursor.fetchall())
            assert "Index" in plan or "Limit" in plan, plan
            assert "Sort" not in plan, plan


# Health


@on_databases()
def test_who_is_behind_is_a_problem_if_somebody_said_how_far_is_too_far(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    append([Transferred("a", "b", 1), Transferred("a", "b", 1)], using=store.using)
    states(store.using).exclude(pk=turnovers.name).update(position=10**9)
    assert health(store.using).ok
    assert health(store.using, max_lag=2).ok
    assert health(store.using, max_lag=1).problems == ("ledger.turnovers is 2 events behind, of 1 allowed",)
    assert not health(store.using, max_lag=0).ok
    later = datetime.now(UTC) + timedelta(hours=1)
    monkeypatch.setattr("factos_django.status.projections.database_now", lambda using: later)
    assert health(store.using, max_lag=timedelta(hours=2)).ok
    (problem,) = health(store.using, max_lag=timedelta(minutes=1)).problems
    assert problem.endswith("s behind, of 60 s allowed")


@on_databases("default")
def test_one_event_behind_is_told_as_one(store: Store) -> None:
    append([Transferred("a", "b", 1)], using=store.using)
    states(store.using).exclude(pk=turnovers.name).update(position=10**9)
    assert health(store.using, max_lag=0).problems == ("ledger.turnovers is 1 event behind, of 0 allowed",)


@on_databases("default")
def test_a_lag_is_counted_as_far_as_somebody_allows(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("factos_django.status.health_check.COUNTED", 2)
    append([Transferred("a", "b", 1)] * 4, using=store.using)
    states(store.using).exclude(pk=turnovers.name).update(position=10**9)
    assert health(store.using, max_lag=4).ok
    assert health(store.using, max_lag=3).problems == (
        "ledger.turnovers is more than 3 events behind, of 3 allowed",
    )

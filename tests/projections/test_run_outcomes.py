"""What is told of rebuilds and checks: asked for, going on, and what came of the last one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from celery import Celery, current_app
from django.core.management import call_command
from django.db import connections

from factos_django.core.errors import (
    BrokerUnavailable,
    NoBroker,
    RebuildFailed,
    RebuildRunning,
    UnknownProjection,
)
from factos_django.models import ProjectionRun
from factos_django.projections.rebuilding import check, rebuild
from factos_django.status import LastRun, Runs, projection_runs, status
from factos_django.store import append, head
from factos_django.tasks import ask_to_check, ask_to_rebuild, check_projection_task, rebuild_projection_task
from tests.guards.sessions import Session
from tests.ledger.domain import Deposited
from tests.projections.ledgers import BALANCES, ENTRIES, failing_at, in_place, some_history
from tests.stores import Store, on_databases

INLINE = "ledger.balances"


@pytest.fixture
def celery_app() -> Iterator[Celery]:
    """A Celery app with a broker that is not there, which is the current one."""
    before = current_app._get_current_object()
    app = Celery("of the test", broker="redis://127.0.0.1:1/0")
    yield app
    before.set_current()
    app.close()


def last(name: str, using: str) -> LastRun:
    """What came of the last run, as the status of the projection tells it, too."""
    found = projection_runs(name, using)
    assert found.run is None
    assert found.last_run is not None
    (told,) = (each for each in status(using).projections if each.name == name)
    assert (told.last_run, told.asked, told.run) == (found.last_run, found.asked, None)
    return found.last_run


def rows(found: LastRun) -> tuple[int, int, int]:
    return found.missing, found.extra, found.different


def made_wrong(using: str) -> None:
    with connections[using].cursor() as cursor:
        cursor.execute("UPDATE ledger_balance SET amount = 999 WHERE account = 'a'")


@on_databases()
def test_what_came_of_a_rebuild_and_of_a_check_is_told_until_the_next(store: Store) -> None:
    using = store.using
    some_history(using)
    assert projection_runs(INLINE, using) == Runs()
    made_wrong(using)
    check(INLINE, using=using)
    found = last(INLINE, using)
    assert (found.outcome, found.checks_only, rows(found)) == ("different", True, (0, 0, 1))
    assert (found.position, found.events, found.error) == (head(using), 20, "")
    rebuild(INLINE, using=using)
    found = last(INLINE, using)
    assert (found.outcome, found.checks_only, rows(found)) == ("rebuilt", False, (0, 0, 1))
    call_command("rebuild_projections", INLINE, "--check", "--tag", "account:a", database=using, verbosity=0)
    found = last(INLINE, using)
    assert (found.outcome, found.tag, rows(found)) == ("same", "account:a", (0, 0, 0))
    assert found.since is not None
    assert found.ended_at is not None
    assert timedelta(0) <= found.ended_at - found.since < timedelta(minutes=1)


@on_databases()
def test_a_run_that_fails_is_interrupted_or_dies_is_told_as_such(store: Store) -> None:
    using = store.using
    (fact,) = append([Deposited("a", 5)], using=using)

    def refuse(recorded: Any) -> None:
        raise ValueError(f"no deposit of {recorded.event.amount}")

    with in_place(failing_at(refuse)), pytest.raises(RebuildFailed):
        rebuild(BALANCES, using=using)
    found = last(BALANCES, using)
    assert (found.outcome, rows(found)) == ("failed", (0, 0, 0))
    assert found.error.startswith("RebuildFailed: Projection 'ledger.followed_balances' cannot fold")
    assert f"position {fact.position}" in found.error
    assert "no deposit of 5" in found.error

    def interrupt(events: int, position: int, head: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rebuild(BALANCES, progress=interrupt, using=using)
    assert last(BALANCES, using).outcome == "interrupted"
    rebuild(BALANCES, using=using)
    assert (last(BALANCES, using).outcome, last(BALANCES, using).error) == ("rebuilt", "")
    over = datetime.now(UTC) - timedelta(minutes=1)
    killed = ProjectionRun.objects.using(using).filter(pk=BALANCES)
    killed.update(worker="host:1:x", leased_until=over, outcome="", ended_at=None)
    found = last(BALANCES, using)
    assert (found.outcome, found.ended_at) == ("lost", None)


@on_databases("postgres", "mariadb")
def test_the_long_transaction_of_a_handler_goes_on_after_its_lease_as_others_see_it(
    store: Store, session: Callable[[str], Session]
) -> None:
    using, over = store.using, datetime.now(UTC) - timedelta(minutes=1)
    rows = ProjectionRun.objects.using(using)
    rows.create(projection=ENTRIES, worker="host:1:x", leased_until=over)
    handler = session("handler")
    handler.begin()
    handler.run(lambda: rows.select_for_update().get(pk=ENTRIES))
    found = projection_runs(ENTRIES, using)
    assert found.run is not None
    assert (found.run.worker, found.last_run) == ("host:1:x", None)
    handler.rollback()
    assert last(ENTRIES, using).outcome == "lost"


@on_databases()
def test_whoever_asked_sees_that_no_worker_has_begun(
    store: Store, celery_app: Celery, monkeypatch: pytest.MonkeyPatch
) -> None:
    using, sent = store.using, []
    monkeypatch.setattr("factos_django.tasks.rebuilding.send_now", lambda *message: sent.append(message))
    ask_to_check(INLINE, using=using)
    assert sent == [("factos.check_projection", INLINE, using)]
    found = projection_runs(INLINE, using)
    assert found.asked is not None
    assert (found.asked.checks_only, found.run, found.last_run) == (True, None, None)
    assert check_projection_task(INLINE, using) == "same"
    assert (projection_runs(INLINE, using).asked, last(INLINE, using).outcome) == (None, "same")
    append([Deposited("a", 5)], using=using)
    made_wrong(using)
    assert check_projection_task(INLINE, using) == "different"
    assert last(INLINE, using).different == 1
    ask_to_rebuild(INLINE, using=using)
    assert sent[1:] == [("factos.rebuild_projection", INLINE, using)]
    assert rebuild_projection_task(INLINE, using) == "rebuilt"
    assert (projection_runs(INLINE, using).asked, last(INLINE, using).different) == (None, 1)


@on_databases()
def test_nobody_waits_for_what_was_not_sent_or_was_refused(
    store: Store, celery_app: Celery, monkeypatch: pytest.MonkeyPatch
) -> None:
    using = store.using
    with pytest.raises(BrokerUnavailable):
        ask_to_check(INLINE, using=using)
    celery_app.conf.broker_url = None
    with pytest.raises(NoBroker):
        ask_to_rebuild(INLINE, using=using)
    assert projection_runs(INLINE, using) == Runs()
    monkeypatch.setattr("factos_django.tasks.rebuilding.send_now", lambda *message: None)
    ask_to_check(INLINE, using=using)
    monkeypatch.setattr("factos_django.projections.rebuilding.computing.here", unknown)
    assert check_projection_task(INLINE, using) == "refused"
    monkeypatch.undo()
    found = last(INLINE, using)
    assert projection_runs(INLINE, using).asked is None
    assert (found.outcome, found.checks_only, found.since) == ("failed", True, None)
    assert found.error.startswith("UnknownProjection: ")
    later = datetime.now(UTC) + timedelta(hours=1)
    ProjectionRun.objects.using(using).filter(pk=INLINE).update(worker="x y z", leased_until=later)
    with pytest.raises(RebuildRunning):
        ask_to_check(INLINE, using=using)
    assert check_projection_task(INLINE, using) == "refused"
    assert projection_runs(INLINE, using).asked is None


def unknown(name: str, using: str) -> Any:
    """What a worker of other code says."""
    raise UnknownProjection(name=name, known=())


@pytest.mark.parametrize("name", [None, 1, ["a"], {"a": 1}, "ledger.none"])
@on_databases("default")
def test_a_forged_message_checks_nothing(store: Store, name: Any) -> None:
    assert check_projection_task(name, store.using) in ("ignored", "refused")
    assert check_projection_task(INLINE, "nowhere") == check_projection_task(INLINE, None) == "ignored"
    assert not ProjectionRun.objects.using(store.using).exists()

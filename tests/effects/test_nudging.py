"""What a commit does for its effects: it hands them to the background, or runs them, and never fails."""

from __future__ import annotations

import threading

import pytest
from celery import Celery, current_app
from django.db import connections, transaction

from factos_django import tasks
from factos_django.effects.announcing import PUBLISHERS
from factos_django.effects.relaying import relay
from factos_django.models import Effect
from factos_django.store import append, head
from factos_django.store.announcing import WAKERS
from factos_django.tasks import broker, nudging
from factos_django.tasks.background import BACKGROUND
from factos_django.tasks.publishing import published
from tests.faults.actors import actor
from tests.parcels.domain import ParcelSent
from tests.stores import on_databases

BOUND = nudging._WAITING.maxlen


@pytest.fixture
def celery_app():
    """A Celery app with a broker, which is the current one."""
    before = current_app._get_current_object()
    app = Celery("of the test", broker="memory://")
    yield app
    before.set_current()
    app.close()


class Background:
    """The background of a process that gets to nothing."""

    def __init__(self, monkeypatch):
        self.work = {}
        nudging._WAITING.clear()
        monkeypatch.setattr(BACKGROUND, "submit", self.work.__setitem__)


@pytest.fixture
def background(monkeypatch):
    yield Background(monkeypatch)
    nudging._WAITING.clear()


def send(number, using, **how):
    append([ParcelSent(str(each), "renata", **how) for each in range(number)], using=using)


def waiting():
    return [id for (id, _), _ in nudging._WAITING]


def messages(app, queue="celery"):
    with app.connection_for_read() as connection:
        found = iter(lambda: connection.default_channel.basic_get(queue, no_ack=True), None)
        return [each.decode()[0] for each in found]


@on_databases("default")
def test_what_commits_meanwhile_waits_in_one_place_and_is_published_together(store, celery_app, background):
    send(2, store.using)
    with transaction.atomic(using=store.using):
        send(1, store.using)
        assert len(waiting()) == 2  # that one is nobody's yet
    ids = list(Effect.objects.using(store.using).order_by("pk").values_list("pk", flat=True))
    assert waiting() == ids
    background.work.pop("factos.effects")()
    assert messages(celery_app) == [[id] for id in ids]
    assert waiting() == []


@on_databases("default")
def test_a_broker_that_hangs_lets_no_more_wait_than_the_bound(store, celery_app, background):
    send(BOUND, store.using)
    send(5, store.using)
    ids = list(Effect.objects.using(store.using).order_by("pk").values_list("pk", flat=True))
    assert len(ids) == BOUND + 5
    assert waiting() == ids[5:]  # the others are a relay's
    assert set(background.work) <= {"factos.effects", ("factos.catch_up", store.using)}


@on_databases("default")
def test_a_message_that_cannot_be_sent_holds_no_other_up(store, celery_app, background, monkeypatch, caplog):
    send(3, store.using)
    celery_app.conf.task_routes = [lambda name, args, *_, **__: {"queue": str(args[0])}]
    celery_app.conf.task_create_missing_queues = False
    ids = waiting()
    celery_app.conf.task_queues = {str(id): {"exchange": str(id)} for id in (ids[0], ids[2])}
    background.work["factos.effects"]()
    assert [messages(celery_app, str(id)) for id in (ids[0], ids[2])] == [[[ids[0]]], [[ids[2]]]]
    assert f"parcels.Notify {ids[1]} cannot be published: QueueNotFound" in caplog.text


@on_databases("default")
def test_nothing_waits_where_nothing_would_be_published(store, celery_app, background, settings):
    celery_app.conf.broker_url = None
    send(1, store.using)
    celery_app.conf.broker_url = "memory://"
    settings.FACTOS_CELERY_NUDGE = False
    send(1, store.using)
    assert (waiting(), background.work.keys() - {("factos.catch_up", store.using)}) == ([], set())


def fails(*_):
    raise RuntimeError("a fault of ours")


@pytest.mark.parametrize("in_transaction", [True, False])
@on_databases()
def test_nothing_that_fails_in_a_nudge_reaches_the_request(store, monkeypatch, caplog, in_transaction):
    """Django's ``robust=True`` is no help: it asks a callback for a name that only functions have."""
    monkeypatch.setattr("factos_django.effects.announcing.PUBLISHERS", [fails, *PUBLISHERS])
    monkeypatch.setattr("factos_django.store.announcing.WAKERS", [fails, *WAKERS])
    after = []
    if in_transaction:
        with transaction.atomic(using=store.using):
            send(1, store.using)
            transaction.on_commit(lambda: after.append("ran"), using=store.using)
        assert after == ["ran"]
    else:
        send(1, store.using)
    assert head(store.using) > 0
    assert caplog.text.count("RuntimeError: a fault of ours") == 2


@on_databases()
def test_eager_tasks_run_after_the_commit_and_never_in_the_transaction_of_the_append(store, celery_app):
    celery_app.conf.task_always_eager = True
    effects = Effect.objects.using(store.using)
    with transaction.atomic(using=store.using):
        send(1, store.using, told="reports", billed="fine")
        assert {each.state for each in effects.all()} == {"pending"}
    assert {(each.state, each.attempts) for each in effects.all()} == {("done", 1)}
    send(1, store.using, told="fails 1")
    assert [each.state for each in effects.filter(state="pending")] == ["pending"]


@on_databases("default", "postgres")
def test_a_relay_delivers_by_itself_where_tasks_are_eager(store, celery_app, settings):
    celery_app.conf.task_always_eager = True
    settings.FACTOS_CELERY_NUDGE = False
    send(2, store.using, billed="fine")
    assert relay(published, store.using).published == 3
    assert relay(published, store.using).published == 1  # the second bill waited for the first
    assert {(each.state, each.attempts) for each in Effect.objects.using(store.using)} == {("done", 1)}


@on_databases("default", "postgres")
def test_an_eager_task_of_a_rolled_back_append_never_runs(store, celery_app):
    celery_app.conf.task_always_eager = True
    with transaction.atomic(using=store.using):
        send(1, store.using, told="reports")
        transaction.set_rollback(True, using=store.using)
    assert not Effect.objects.using(store.using).exists()
    assert head(store.using) == 0


@pytest.mark.parametrize("eager", [True, False])
@on_databases("postgres", "mariadb")  # on SQLite Django allows no atomic() where autocommit is off
def test_effects_of_a_commit_by_hand_go_out_when_transactions_are_djangos_again(
    store, celery_app, background, eager
):
    celery_app.conf.task_always_eager = eager
    connection, effects = connections[store.using], Effect.objects.using(store.using)
    connection.ensure_connection()
    transaction.set_autocommit(False, using=store.using)
    try:
        send(1, store.using)
        connection.rollback()
        send(1, store.using)
        connection.commit()
        assert [each.state for each in effects.all()] == ["pending"]
        connection.commit()
        assert waiting() == []
    finally:
        transaction.set_autocommit(True, using=store.using)
    (row,) = effects.all()
    assert (row.state, waiting()) == (("done", []) if eager else ("pending", [row.pk]))


@on_databases("default")
def test_a_thread_that_made_no_celery_app_publishes_with_that_of_the_project(store, celery_app, background):
    apps = []
    broker.remember_current()
    try:
        thread = threading.Thread(target=lambda: apps.append(tasks.broker.current()))
        thread.start()
        thread.join()
    finally:
        broker._of_the_project = None
    assert apps == [celery_app]


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@on_databases("default")
def test_a_forked_process_does_not_publish_what_waits_in_its_parent(store, celery_app, background):
    send(1, store.using)
    with actor(lambda pipe: pipe.send(waiting())) as forked:
        assert forked.hear() == []
    assert len(waiting()) == 1

"""The Celery nudge and the beat schedule, with real workers and real brokers, alive, dead and hanging."""

import json
import signal
import socket
import subprocess
import sys
import threading

import pytest
from celery import Celery, current_app

from demo_project.settings import BASE_DIR
from factos_django import tasks
from factos_django.beat import beat_schedule
from factos_django.projections import wait_for
from factos_django.store import head
from factos_django.store.announcing import WAKERS
from factos_django.tasks import nudging
from factos_django.tasks.background import BACKGROUND, Background
from tests.children import environment, manage
from tests.effects.brokers import celery_worker, opened
from tests.faults.actors import actor
from tests.projections.ledgers import (
    BALANCES,
    ENTRIES,
    TURNOVERS,
    assert_rows_are_those_of_the_log,
    deposit,
    some_history,
)
from tests.stores import on_databases

APPEND = """
import tests.celery_app
from factos_django.tasks.background import BACKGROUND
from tests.projections.ledgers import deposit
deposit({using!r})
print("sending", not BACKGROUND.drain(0))
print("sent", BACKGROUND.drain({patience}))
"""


def appended(using, patience=30, **settings):
    """Append in a process of a project that uses Celery; return what it printed."""
    code = APPEND.format(using=using, patience=patience)
    done = manage("shell", "--verbosity", "0", "-c", code, **settings)
    assert done.returncode == 0, done.stderr
    return dict(line.split() for line in done.stdout.splitlines()), done.stderr


@pytest.fixture
def broker(store):
    """A broker: files beside SQLite, else Redis."""
    with opened("files" if store.using == "default" else "redis") as given:
        yield given


def all_wait_for(position, using):
    for name in (BALANCES, TURNOVERS, ENTRIES):
        wait_for(name, position, 60, using=using)


@on_databases("default", "postgres")
def test_a_commit_is_followed_by_a_celery_worker(store, broker):
    some_history(store.using)  # nobody was nudged for these
    with celery_worker(broker) as worker:
        worker.says("ready.")
        told, _ = appended(store.using, **broker.settings)
        assert told["sent"] == "True"
        all_wait_for(head(store.using), store.using)
        worker.says("succeeded")
        worker.send(signal.SIGTERM)
        assert worker.end() == 0
    assert worker.output.count("factos.catch_up[") >= 1
    assert_rows_are_those_of_the_log(store.using)


@on_databases("default", "postgres")
def test_beat_lets_followers_catch_up_with_what_nobody_was_nudged_for(store, broker, tmp_path):
    some_history(store.using)
    schedule = beat_schedule([store.using], seconds=0.2)
    beat = ["-B", "--schedule", str(tmp_path / "schedule")]
    with celery_worker(broker, *beat, CELERY_BEAT_SCHEDULE=schedule) as worker:
        all_wait_for(head(store.using), store.using)
        worker.send(signal.SIGTERM)
        assert worker.end() == 0
    assert_rows_are_those_of_the_log(store.using)


@on_databases("default")
def test_a_dead_broker_neither_holds_an_append_up_nor_fails_it(store):
    told, logged = appended(store.using, CELERY_BROKER_URL="redis://127.0.0.1:1/0")
    assert told == {"sending": "True", "sent": "True"}
    assert "failed in the background" in logged
    assert head(store.using) > 0


@pytest.fixture
def black_hole():
    """A server that takes connections and says nothing; its port."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        taken = []

        def take():
            while True:
                try:
                    taken.append(server.accept()[0])
                except OSError:
                    return

        thread = threading.Thread(target=take, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        thread.join()
        assert taken, "nobody came"
        for each in taken:
            each.close()


@pytest.mark.parametrize("scheme", ["redis", "amqp"])
@on_databases("default")
def test_a_broker_that_hangs_neither_holds_an_append_up_nor_fails_it(store, black_hole, scheme):
    told, logged = appended(store.using, CELERY_BROKER_URL=f"{scheme}://127.0.0.1:{black_hole}/0")
    assert told == {"sending": "True", "sent": "True"}  # that is: it was given up, and others can be sent
    assert "failed in the background" in logged
    assert head(store.using) > 0


@on_databases("default")
def test_a_process_does_not_hang_at_its_end_because_its_broker_does(store, black_hole):
    url = f"redis://127.0.0.1:{black_hole}/0"
    options = {"socket_timeout": 1000}  # ours is shorter
    settings = {"CELERY_BROKER_URL": url, "CELERY_BROKER_TRANSPORT_OPTIONS": options}
    told, _ = appended(store.using, patience=0, **settings)
    assert told == {"sending": "True", "sent": "False"}


class Asked:
    """What was submitted to the background."""

    def __init__(self, monkeypatch):
        self.keys = []
        monkeypatch.setattr(BACKGROUND, "submit", lambda key, work: self.keys.append(key))


@pytest.fixture
def celery_app():
    """A Celery app with a broker, which is the current one."""
    before = current_app._get_current_object()
    app = Celery("of the test", broker="memory://")
    yield app
    before.set_current()
    app.close()


@on_databases("default")
def test_each_commit_asks_once_and_a_rollback_does_not(store, celery_app, monkeypatch):
    asked = Asked(monkeypatch)
    assert tasks.nudge in WAKERS
    deposit(store.using, 2)
    assert asked.keys == [("factos.catch_up", store.using)] * 2


@pytest.mark.parametrize("reason", ["setting", "broker", "eager", "followers"])
@on_databases("default")
def test_nothing_is_asked_where_nobody_would_come(store, celery_app, settings, monkeypatch, reason):
    asked = Asked(monkeypatch)
    match reason:
        case "setting":
            settings.FACTOS_CELERY_NUDGE = False
        case "broker":
            celery_app.conf.broker_url = None
        case "eager":
            celery_app.conf.task_always_eager = True
        case "followers":
            monkeypatch.setattr(nudging, "followers", lambda using: [])
    deposit(store.using)
    assert asked.keys == []


def test_what_is_submitted_twice_under_a_key_is_done_once_more():
    background, going, done = Background(), threading.Event(), []

    def first():
        assert going.wait(60)
        done.append("first")

    background.submit("a", first)
    assert not background.drain(0)
    while background._waiting:  # until it is at work
        assert not background.drain(0.01)
    for number in range(3):
        background.submit("a", lambda number=number: done.append(number))
    background.submit("b", lambda: done.append("b"))
    going.set()
    assert background.drain(60)
    assert done == ["first", 2, "b"]


def test_an_error_is_logged_and_what_comes_later_is_done(caplog):
    background, done = Background(), []

    def fail():
        raise OSError("no broker")

    background.submit("a", fail)
    assert background.drain(60)
    background.submit("a", lambda: done.append(1))
    assert background.drain(60)
    assert done == [1]
    assert [each.message for each in caplog.records] == ["a failed in the background: OSError: no broker"]


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_process_has_a_thread_of_its_own_even_if_it_was_forked_in_the_midst_of_it():
    going = threading.Event()
    BACKGROUND.submit("of the parent", going.wait)

    def work(pipe):
        BACKGROUND.submit("of the child", lambda: pipe.send("done"))
        pipe.send(("drained", BACKGROUND.drain(60)))

    try:
        with BACKGROUND._changed, actor(work) as forked:  # its lock is held at the fork
            assert {forked.hear(), forked.hear()} == {"done", ("drained", True)}
    finally:
        going.set()
        assert BACKGROUND.drain(60)


def test_the_schedule_can_be_made_in_settings():
    code = "from factos_django.beat import beat_schedule; import json; print(json.dumps(beat_schedule()))"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=BASE_DIR, env=environment(), capture_output=True, check=True)
    assert json.loads(done.stdout) == {
        f"{task} default": {"task": task, "schedule": seconds, "args": ["default"]}
        for task, seconds in {
            "factos.catch_up": 5.0,
            "factos.relay_effects": 5.0,
            "factos.prune_effects": 3_600.0,
        }.items()
    }

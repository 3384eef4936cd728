"""From an append to a handler, by real brokers, workers and relays."""

from __future__ import annotations

import signal
import sys

from factos_django.models import Effect
from factos_django.store import append
from tests.children import child, manage
from tests.effects.brokers import celery_worker, on_brokers
from tests.effects.waiting import all_done
from tests.parcels.domain import ParcelSent

APPEND = """
from factos_django.store import append
from factos_django.tasks.background import BACKGROUND
from tests.parcels.domain import ParcelSent
for number in range({number}):
    append([ParcelSent(f"{{number}}", "renata", billed="fine")], using={using!r})
print("sent", BACKGROUND.drain({patience}))
"""


def appended_elsewhere(using, number=3, patience=60, **settings):
    """Append in a process of a project that uses Celery; return what it printed and logged."""
    code = APPEND.format(using=using, number=number, patience=patience)
    done = manage("shell", "--verbosity", "0", "-c", code, **settings)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip(), done.stderr


def relay_daemon(broker, using, *arguments, command="relay_effects", **settings):
    return child(
        sys.executable,
        "manage.py",
        command,
        "--database",
        using,
        *arguments,
        **{**broker.settings, **settings},
    )


@on_brokers()
def test_a_commit_has_its_effects_published_and_a_worker_delivers_each_once(store, broker):
    with celery_worker(broker) as worker:
        worker.says("ready.")
        assert appended_elsewhere(store.using, **broker.settings)[0] == "sent True"
        all_done(store.using)
    rows = Effect.objects.using(store.using)
    assert {(row.attempts, row.publications) for row in rows} == {(1, 0)}
    assert rows.count() == 6


@on_brokers()
def test_what_nobody_published_is_relayed(store, broker, settings):
    settings.FACTOS_CELERY_NUDGE = False
    append([ParcelSent("1", "renata", billed="fine"), ParcelSent("2", "renata")], using=store.using)
    with celery_worker(broker) as worker, relay_daemon(broker, store.using, "--verbosity", "2") as relay:
        all_done(store.using)
        for each in (relay, worker):
            each.send(signal.SIGTERM)
            assert each.end() == 0
    assert "effects: 3 published" in relay.output
    assert relay.output.endswith("Ended.\n")
    assert {row.attempts for row in Effect.objects.using(store.using)} == {1}

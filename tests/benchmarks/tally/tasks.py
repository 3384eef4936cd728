"""What a client does with projections of factos_django, by public functions."""

from __future__ import annotations

import time
from itertools import islice

from django.core.management import call_command
from django.db import connection

from factos_django.models import Effect
from factos_django.projections import catch_up
from factos_django.projections.rebuilding import check, rebuild
from factos_django.store import append
from tests.benchmarks.tally.domain import Counted, amount_of, events_of_log
from tests.benchmarks.tasks import Job, Steps, Task, create, peak_megabytes, until

__all__ = ["TASKS_OF_TALLY", "Tallies"]

NAME = "tally.tallies"

#: How long effects may take to be delivered (seconds), and how often a client looks (seconds).
_PATIENCE, _LOOK = 60.0, 0.02


class Tallies:
    """The tables, with those of the projection."""

    def create(self) -> None:
        call_command("migrate", run_syncdb=True, verbosity=0)

    def connect(self) -> None:
        connection.ensure_connection()


def fill(store: Tallies, job: Job) -> Steps:
    """Record a log of a given size."""
    store.connect()
    yield
    begun, events = time.perf_counter(), events_of_log(job.log)
    while batch := list(islice(events, job.batch)):
        append(batch)
    return {"count": job.log, "seconds": time.perf_counter() - begun}


def rebuild_all(store: Tallies, _job: Job) -> Steps:
    """Compute an empty table from the whole log, and see that it is right."""
    store.connect()
    yield
    begun = time.perf_counter()
    outcome = rebuild(NAME)
    seconds, megabytes = time.perf_counter() - begun, peak_megabytes()
    assert outcome.counts.missing > 0, "the table was not empty"
    assert check(NAME).is_right
    return {
        "count": outcome.events,
        "seconds": seconds,
        "megabytes": megabytes,
        "held": outcome.seconds_held * 1000,
    }


def catch_up_all(store: Tallies, _job: Job) -> Steps:
    """Let a follower apply the whole log in batches, and see that it did."""
    store.connect()
    yield
    begun = time.perf_counter()
    (caught_up,) = catch_up(NAME)
    seconds = time.perf_counter() - begun
    assert check(NAME).is_right
    return {"count": caught_up.events, "seconds": seconds}


def append_new(store: Tallies, job: Job) -> Steps:
    """Append one fact about a subject that is new, again and again."""
    store.connect()
    for ordinal in range(20):
        append([Counted(f"warm-{ordinal}", amount_of(ordinal))])
    yield
    return until(job.seconds, lambda ordinal: append([Counted(f"new-{ordinal}", amount_of(ordinal))]))


def deliver_all(store: Tallies, job: Job) -> Steps:
    """Append facts with an effect each, as fast as one client does, until workers have delivered all."""
    store.connect()
    for ordinal in range(20):
        append([Counted(f"warm-{ordinal}", amount_of(ordinal))])
    _await_delivery()
    yield
    begun = time.perf_counter()
    for ordinal in range(job.count):
        append([Counted(f"new-{ordinal}", amount_of(ordinal))])
    _await_delivery()
    return {"count": job.count, "seconds": time.perf_counter() - begun}


def deliver_each(store: Tallies, job: Job) -> Steps:
    """Append a fact with an effect and wait for its delivery, again and again; tell how long each took.

    That is the time between the two by the clock of the database.
    """
    store.connect()
    for ordinal in range(5):
        append([Counted(f"warm-{ordinal}", amount_of(ordinal))])
    _await_delivery()
    last = Effect.objects.latest("pk").pk
    yield
    for ordinal in range(job.count):
        append([Counted(f"new-{ordinal}", amount_of(ordinal))])
        _await_delivery()
    times = Effect.objects.filter(pk__gt=last).values_list("created_at", "finished_at")
    return {"milliseconds": [(ended - made).total_seconds() * 1000 for made, ended in times if ended]}


def _await_delivery() -> None:
    end = time.monotonic() + _PATIENCE
    while Effect.objects.exclude(state=Effect.State.DONE).exists():
        if time.monotonic() > end:
            raise TimeoutError("Effects are not delivered: does a worker run?")
        time.sleep(_LOOK)


TASKS_OF_TALLY: dict[str, Task] = {
    each.__name__: each
    for each in (append_new, catch_up_all, create, deliver_all, deliver_each, fill, rebuild_all)
}

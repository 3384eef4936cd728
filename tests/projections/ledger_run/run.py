"""A run: processes that move money between few accounts at once, and readers that look at every moment.

What they look at is judged by the log alone (see ``look``). Some writers roll back, and some are killed; so
are those who follow the log, and those who rebuild.
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier

from django.db import connections
from django.test import override_settings

from factos_django.models import ProjectionState
from tests.faults.actors import Actor, actors
from tests.history.faults import Fault
from tests.ledger.domain import Closed, accounts_of
from tests.projections.ledger_run.ending import faults_of_the_end
from tests.projections.ledger_run.look import Look, text_of
from tests.projections.ledger_run.plan import FOLLOWED, INLINE, Plan, Report
from tests.projections.ledger_run.workers import Workers, working
from tests.projections.ledger_run.writer import Writer
from tests.projections.ledgers import BALANCES

__all__ = ["run"]

#: How long the processes wait for each other (seconds).
_PATIENCE = 30
#: Small batches have many ends to be killed at, and nobody waits long for one who was replaced.
_SETTINGS = {"FACTOS_FOLLOW_BATCH": 7, "FACTOS_FOLLOW_LEASE_SECONDS": 2, "FACTOS_POLL_SECONDS": 0.02}


def run(plan: Plan) -> Report:
    """Run the plan on an empty log."""
    sys.stdout.write(f"ledger run with seed {plan.seed}\n")
    begun = time.monotonic()
    with override_settings(**_SETTINGS):
        report = _judged(_run(plan))
    return replace(report, seconds=time.monotonic() - begun)


def _run(plan: Plan) -> Report:
    evidence: Counter[str] = Counter()
    faults: list[Fault] = []
    alone, met = _barriers(plan)
    readers = [partial(_watch, plan=plan) for _ in range(plan.readers)]
    writers = [partial(_write, plan=plan, number=n, alone=alone, met=met) for n in range(plan.writers)]
    victims = [partial(_write_on, plan=plan, number=100 + n, met=met) for n in range(plan.victims)]
    with actors(*readers, *writers, *victims) as crew:
        watching, working_ones = crew[: plan.readers], crew[plan.readers : plan.readers + plan.writers]
        with working(plan) as workers:
            for victim in crew[plan.readers + plan.writers :]:
                evidence["killed"] += _kill(victim, random.Random(f"{plan.seed} kills"), workers)
            deaths = _ended(working_ones, evidence, faults, workers, after=_enough(plan, workers))
        deaths += _ended(watching, evidence, faults)
    evidence.update(workers.evidence)
    return Report(plan, [*faults, *workers.faults], evidence, [*deaths, *workers.deaths])


def _barriers(plan: Plan) -> tuple[Barrier, Barrier]:
    context = get_context("fork")
    return context.Barrier(plan.writers), context.Barrier(plan.writers + plan.victims)


def _kill(victim: Actor, dice: random.Random, workers: Workers) -> bool:
    """Kill it in the midst of whatever it does, once it has begun; tell whether it lived till then."""
    deadline = time.monotonic() + _PATIENCE
    while not victim.pipe.poll() and time.monotonic() < deadline:
        workers.attend(0.02)
    with suppress(EOFError):
        victim.hear()
        workers.attend(dice.uniform(0.05, 0.4))
        victim.kill()  # which asserts that the signal was what ended it
        return True
    return False


def _enough(plan: Plan, workers: Workers) -> Callable[[], bool]:
    deadline = time.monotonic() + plan.seconds
    return lambda: workers.were_killed_enough or time.monotonic() > deadline


def _ended(
    crew: list[Actor],
    evidence: Counter[str],
    faults: list[Fault],
    workers: Workers | None = None,
    *,
    after: Callable[[], bool] = lambda: True,
) -> list[str]:
    """Tell them that it is over, take what they say then, and return how those died who say nothing."""
    while workers and not after():
        workers.attend(0.05)
    for each in crew:
        with suppress(OSError):  # it has died, or said all
            each.tell("over")
    return [death for each in crew for death in _heard(each, evidence, faults)]


def _heard(each: Actor, evidence: Counter[str], faults: list[Fault]) -> list[str]:
    try:
        counts, found = each.hear()
    except EOFError:
        return [f"a process ended with {each.end()}"]
    evidence.update(counts)
    faults.extend(found)
    return []


def _judged(report: Report) -> Report:
    plan, evidence = report.plan, report.evidence
    last = Look.at(plan.using)
    faults = [*report.faults, *last.faults(), *_stopped(plan.using)]
    if (order := _entries_as_written(plan.using)) != sorted(order):
        faults.append(Fault("G7", f"the handler folded in another order: {order}"))
    if plan.followers or plan.rebuilders:
        faults += faults_of_the_end(plan.using)
    evidence["facts"] = len(last.facts)
    evidence["closed"] = sum(isinstance(event, Closed) for _, event in last.facts)
    evidence["meetings"] = _meetings(plan.using, last)
    return replace(report, faults=faults)


def _stopped(using: str) -> Iterator[Fault]:
    mine = ProjectionState.objects.using(using).filter(pk__in=[*INLINE, *FOLLOWED])
    for state in mine.exclude(condition="running"):
        yield Fault("G7", f"{state.name} stopped at {state.failed_position}: {state.error}")


def _entries_as_written(using: str) -> list[int]:
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT position FROM ledger_entry ORDER BY id")
        return [row[0] for row in cursor.fetchall()]


def _meetings(using: str, last: Look) -> int:
    """Return how often a row was written by another process than the time before."""
    with connections[using].cursor() as cursor:
        cursor.execute(f"SELECT position, {text_of('metadata', using)} FROM factos_event")
        writers = {position: json.loads(text)["writer"] for position, text in cursor.fetchall()}
    before: dict[str, str] = {}
    count = 0
    for position, event in last.facts:
        for account in accounts_of(event):
            count += before.get(account, writers[position]) != writers[position]
            before[account] = writers[position]
    return count


# What the processes do.


def _watch(pipe: Connection, *, plan: Plan) -> None:
    """Look until it is over, and say what was wrong at any of these moments."""
    faults: list[Fault] = []
    counts: Counter[str] = Counter()
    before = None
    while not pipe.poll(0.003):
        look = Look.at(plan.using)
        if look != before:
            faults += [] if faults else [*look.faults(), *(look.faults_since(before) if before else ())]
        counts["looks"] += 1
        counts["changes"] += look != before
        counts["behind"] += look.is_behind
        counts["checkpoints"] += before is not None and _moved(before, look)
        before = look
    pipe.send((counts, faults))


def _moved(before: Look, look: Look) -> bool:
    return before.checkpoints.get(BALANCES, 0) != look.checkpoints.get(BALANCES, 0)


def _write(pipe: Connection, *, plan: Plan, number: int, alone: Barrier, met: Barrier) -> None:
    writer = Writer(plan, number)
    alone.wait(_PATIENCE)
    writer.work_alone(plan.alone)
    met.wait(_PATIENCE)
    writer.work(plan.operations, pipe.poll)
    pipe.send((writer.counts, writer.faults))


def _write_on(pipe: Connection, *, plan: Plan, number: int, met: Barrier) -> None:
    writer = Writer(plan, number)
    met.wait(_PATIENCE)
    writer.append()
    pipe.send("begun")
    writer.work(10**6, lambda: True)

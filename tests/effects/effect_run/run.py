"""A run: writers send parcels, real workers deliver what they call for, and something strikes in the midst.

The sink tells what was delivered, the log what should have been; see ``checker``.
"""

from __future__ import annotations

import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from tests.children import manage
from tests.effects.effect_run.blows import BLOWS
from tests.effects.effect_run.brokers import broker
from tests.effects.effect_run.checker import History, check, count
from tests.effects.effect_run.expected import expected_of, facts_in, rows_in
from tests.effects.effect_run.plan import Plan, Report
from tests.effects.effect_run.processes import Process, crew
from tests.effects.effect_run.stage import Stage
from tests.effects.effect_run.writing import fates
from tests.effects.sink import sink
from tests.parcels.factos import notify

__all__ = ["run"]

#: At rest: nothing may come of anything any more (seconds).
_REST = 1.5


def run(plan: Plan) -> Report:
    """Run the plan on an empty log."""
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as directory, _stage(plan, Path(directory)) as stage:
        report = _run(stage)
    return replace(report, seconds=time.monotonic() - begun)


@contextmanager
def _stage(plan: Plan, directory: Path) -> Iterator[Stage]:
    with sink(directory) as judge, broker(plan.broker, directory) as messages:
        settings = {
            "FACTOS_TEST_SINK": judge.url,
            "FACTOS_EFFECT_LEASE_SECONDS": plan.lease,
            "FACTOS_POLL_SECONDS": 0.2,
            "FACTOS_GUARD": {plan.using: plan.guard},
            "FACTOS_CELERY_NUDGE": plan.nudge,
            "CELERY_WORKER_PREFETCH_MULTIPLIER": 2,
            "CELERY_WORKER_ENABLE_REMOTE_CONTROL": False,  # or workers of several runs would meet
            **messages.settings,
        }
        with crew(directory, **settings) as processes:
            yield Stage(plan, directory, messages, processes, judge)


def _run(stage: Stage) -> Report:
    plan, blow = stage.plan, BLOWS[stage.plan.blow]
    workers = [stage.start_worker(solo=number > 0) for number in range(plan.workers)]
    relays = [stage.start_relay() for _ in range(plan.relays)]
    stage.victims = blow.victims(stage)
    for each in (*workers, *relays, *stage.victims):
        if not each.name.startswith("writer"):
            each.says("ready." if each.name.startswith("worker") else "relay")
    for _ in range(plan.writers):
        stage.start_writer(plan.parcels // plan.writers)
    blow.strike(stage)
    stage.struck = time.monotonic()
    stage.await_writers()
    stage.await_rest()
    recovery = time.monotonic() - stage.struck
    rebuilt = _rebuilt_at_rest(stage) if stage.evidence["rebuilt"] else 0
    deaths = _ended(stage)
    history = _history(stage, rebuilt)
    stage.evidence.update(count(history))
    return Report(plan, check(history), stage.evidence, deaths, stage.seen, recovery)


def _rebuilt_at_rest(stage: Stage) -> int:
    """Rebuild all projections when all is done; return what came of that for the outbox and the sink."""
    time.sleep(_REST)
    before = len(rows_in(stage.plan.using)) + len(stage.sink.told)
    done = manage("rebuild_projections", "--all", "--no-input", "--database", stage.plan.using)
    assert done.returncode == 0, done.stderr
    time.sleep(_REST)
    return len(rows_in(stage.plan.using)) + len(stage.sink.told) - before


def _ended(stage: Stage) -> list[str]:
    """End all, and return who had died and was not to."""
    expected = {*stage.victims, *_poisoned(stage)}
    gone = [each for each in stage.crew.processes if each.status not in (None, 0)]
    deaths = [
        f"{each.name} ended with {each.status}: {each.output[-1500:]}"
        for each in gone
        if each not in expected and f"{each.name} ended" not in " ".join(stage.seen)
        if not _read_half_a_message(each)
    ]
    stage.evidence["superseded"] = sum(
        each.output.count("outlived its lease") for each in stage.crew.processes
    )
    for each in stage.crew.processes:
        each.send(signal.SIGTERM)
        each.kill()
    return deaths


def _read_half_a_message(process: Process) -> bool:
    """Tell whether kombu's filesystem transport ended a worker: it may read what is still being written."""
    return "kombu/transport/filesystem.py" in process.output and "JSONDecodeError" in process.output[-2000:]


def _poisoned(stage: Stage) -> list[Process]:
    """Return the workers of one process that an effect has killed, and whom nobody started again."""
    killed = -signal.SIGKILL
    return [each for each in stage.crew.processes if each.name.startswith("worker") and each.status == killed]


def _history(stage: Stage, rebuilt: int) -> History:
    facts = facts_in(stage.plan.using)
    noted = [fates(notes) for notes in stage.writers]
    return History(
        expected=expected_of(facts),
        told=stage.sink.told,
        rows=rows_in(stage.plan.using),
        fates={parcel: fate for each in noted for parcel, fate in each.items()},
        sent=frozenset(fact.event.parcel for fact in facts),
        most_attempts=notify.policy.max_attempts,
        rebuilt=rebuilt,
    )

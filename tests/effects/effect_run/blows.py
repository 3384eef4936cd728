"""What strikes a run in the midst. Each blow is seen from outside, and says what was seen."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass

from django.db import connections

from factos_django.models import Effect
from tests.children import manage
from tests.effects.effect_run.brokers import OwnBroker
from tests.effects.effect_run.clocks import Clock
from tests.effects.effect_run.processes import Process
from tests.effects.effect_run.stage import Stage
from tests.effects.failpoints import OF_RELAYS, OF_WORKERS, OF_WRITERS

__all__ = ["BLOWS", "Blow"]

_KILLED = -signal.SIGKILL
#: For how long a broker is away (seconds).
_AWAY = 3.0
#: How often a worker is frozen until it is so in the midst of an attempt (times).
_TRIES = 20


@dataclass(frozen=True)
class Blow:
    """One of them.

    Attributes:
        strike: Strikes, in the midst of the run; lets the writers go on when it wants them to.
        victims: Starts those who die at failpoints, before anybody writes.
    """

    strike: Callable[[Stage], None]
    victims: Callable[[Stage], list[Process]] = lambda _: []


def _kill_processes(stage: Stage) -> None:
    """Kill all workers and relays, and one writer; start others."""
    stage.await_flight()
    workers, relays = stage.crew.of("worker"), stage.crew.of("relay")
    for each in (*workers, *relays, *stage.victims):
        _see(stage, each, each.kill())
    stage.go_on()
    for place, _ in enumerate(workers):
        stage.start_worker(solo=place > 0)
    for _ in relays:
        stage.start_relay()


def _one_writer(stage: Stage) -> list[Process]:
    return [stage.start_writer(10**6)]


def _await_deaths(stage: Stage) -> None:
    """Arm the failpoints, and wait until each victim has come by his."""
    stage.await_flight()
    stage.armed.touch()
    stage.go_on()
    stage.await_(
        "all victims die", lambda: all(each.status is not None for each in stage.victims), seconds=30
    )
    for each in [each for each in stage.victims if each.status is not None]:
        _see(stage, each, each.end())


def _see(stage: Stage, process: Process, status: int) -> None:
    stage.evidence["killed"] += status == _KILLED
    failpoint = process.settings.get("FACTOS_TEST_FAILPOINT", "")
    stage.seen.append(f"{process.name} ended with {status} {failpoint}".rstrip())


def _victims_at(
    points: Sequence[str], start: Callable[[Stage], Callable[[str], Process]]
) -> Callable[[Stage], list[Process]]:
    def started(stage: Stage) -> list[Process]:
        dice = random.Random(f"{stage.plan.seed} victims")
        return [start(stage)(f"{point} {dice.randrange(1, 5)}") for point in points]

    return started


_workers_at_points = _victims_at(OF_WORKERS, lambda s: lambda at: s.start_worker(solo=True, failpoint=at))
_relays_at_points = _victims_at(OF_RELAYS, lambda s: lambda at: s.start_relay(at))
_writers_at_points = _victims_at(OF_WRITERS, lambda s: lambda at: s.start_writer(80, at))


def _stop_broker(stage: Stage) -> None:
    """Kill the broker, let facts be appended, and start it again."""
    broker = _own(stage)
    stage.await_flight()
    status = broker.kill()
    stage.evidence["killed"] += status == _KILLED
    _append_without_broker(stage, f"{broker.name} ended with {status}")
    broker.start()


def _freeze_broker(stage: Stage) -> None:
    """Freeze the broker: it takes connections, and answers nobody."""
    broker = _own(stage)
    stage.await_flight()
    broker.freeze()
    stage.evidence["frozen"] += 1
    _append_without_broker(stage, f"{broker.name} was frozen")
    broker.thaw()


def _append_without_broker(stage: Stage, seen: str) -> None:
    began = time.monotonic()
    stage.go_on()
    stage.await_writers()
    took = time.monotonic() - began
    time.sleep(max(0.0, _AWAY - took))
    stage.seen.append(f"{seen}; meanwhile writers wrote their second halves in {took:.1f} s")


def _empty_broker(stage: Stage) -> None:
    """Throw away all messages, twice."""
    stage.await_flight()
    before = stage.broker.messages()
    stage.broker.empty()
    stage.evidence["thrown away"] += before
    stage.seen.append(f"{before} messages were thrown away, {stage.broker.messages()} were left")
    stage.go_on()


def _own(stage: Stage) -> OwnBroker:
    assert isinstance(stage.broker, OwnBroker), "only a broker of the run's own is struck"
    return stage.broker


def _outlive_lease(stage: Stage) -> None:
    """Freeze a worker in the midst of an attempt, until another worker has begun the next one; thaw it."""
    worker = stage.crew.of("worker")[0]
    stage.await_flight()
    held = _freeze_at_work(worker, stage)
    stage.evidence["frozen"] += worker.is_frozen
    stage.seen.append(f"{worker.name} is frozen: {worker.is_frozen}, and holds {held}")
    stage.go_on()
    stage.await_("another worker begins what it holds", lambda: _is_begun_again(held, stage), seconds=60)
    worker.send(signal.SIGCONT)


def _freeze_at_work(worker: Process, stage: Stage) -> dict[int, int]:
    """Freeze it, and return the attempts that it is in the midst of, by the id of the row."""
    for _ in range(_TRIES):
        worker.send(signal.SIGSTOP)
        time.sleep(0.1)
        rows = Effect.objects.using(stage.plan.using).filter(state=Effect.State.RUNNING)
        held = {row.pk: row.attempts for row in rows if _is_of(worker, row.worker)}
        if held and _locks_nothing(stage):
            return held
        worker.send(signal.SIGCONT)
        time.sleep(0.1)
    return {}


def _locks_nothing(stage: Stage) -> bool:
    """Tell whether others can write: on SQLite whoever is frozen in a transaction has its one lock."""
    wrapper = connections[stage.plan.using]
    if wrapper.vendor != "sqlite":
        return True
    with closing(sqlite3.connect(wrapper.settings_dict["NAME"], timeout=1)) as other:
        try:
            other.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return False
    return True


def _is_of(worker: Process, holder: str) -> bool:
    try:
        return os.getpgid(int(holder.split(":")[-2])) == worker.process.pid
    except ProcessLookupError:
        return False


def _is_begun_again(held: dict[int, int], stage: Stage) -> bool:
    rows = Effect.objects.using(stage.plan.using).filter(pk__in=held)
    return any(row.attempts > held[row.pk] for row in rows)


def _poison(stage: Stage) -> None:
    """Only the effects themselves do harm: they raise, and kill their workers."""
    stage.await_flight()
    stage.go_on()

    def a_worker_was_killed() -> bool:
        return any("signal 9 (SIGKILL)" in each.output for each in stage.crew.processes)

    if stage.await_("an effect kills its worker", a_worker_was_killed, seconds=30):
        stage.evidence["killed"] += 1
        stage.seen.append("a worker tells that a child of it was killed (signal 9)")


def _rebuild(stage: Stage) -> None:
    """Rebuild all projections while effects are delivered."""
    stage.await_flight()
    stage.go_on()
    done = manage("rebuild_projections", "--all", "--no-input", "--database", stage.plan.using)
    stage.evidence["rebuilt"] += done.returncode == 0
    stage.seen.append(f"a rebuild ended with {done.returncode}: {done.stdout[-60:]!r} {done.stderr[-300:]}")


def _part_clocks(stage: Stage) -> None:
    """Let workers and relays whose clocks are days apart take over, and step their clocks in the midst."""
    stage.await_flight()
    clocks = {hours: Clock(stage.directory / f"clock{hours:+d}", hours) for hours in (30, -26, 48)}
    before = [*stage.crew.of("worker"), *stage.crew.of("relay")]
    ahead, behind = (stage.start_worker(solo=True, clock=clocks[hours]) for hours in (30, -26))
    stage.start_relay(clock=clocks[48])
    for each in (ahead, behind):
        each.says("ready.")
    for each in before:
        _see(stage, each, each.kill())
    stage.go_on()
    time.sleep(_AWAY)
    for hours, clock in clocks.items():
        clock.step(-hours)
    stage.seen.append("the clocks of two workers and a relay were days apart, and stepped by days")
    stage.evidence["clocks apart"] += sum(Clock.is_wrong_in(each.output) for each in (ahead, behind))


BLOWS = {
    "processes killed": Blow(_kill_processes, _one_writer),
    "workers at points": Blow(_await_deaths, _workers_at_points),
    "relays at points": Blow(_await_deaths, _relays_at_points),
    "writers at points": Blow(_await_deaths, _writers_at_points),
    "broker stopped": Blow(_stop_broker),
    "broker hangs": Blow(_freeze_broker),
    "broker emptied": Blow(_empty_broker),
    "lease outlived": Blow(_outlive_lease),
    "poison": Blow(_poison),
    "rebuild": Blow(_rebuild),
    "clocks apart": Blow(_part_clocks),
}

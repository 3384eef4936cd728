"""Processes that follow the log, and processes that rebuild, killed at any moment and started again."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection, wait

from django.db import connections

from factos_django import LeaseLost, RebuildRunning, RetryTransaction, StoreBusy
from factos_django.models import ProjectionRun, ProjectionState
from factos_django.projections import catch_up
from factos_django.projections.follower import Follower
from factos_django.projections.following import Turn
from factos_django.projections.rebuilding import Computed, check, rebuild
from factos_django.projections.selection import selected
from factos_django.workers.daemon import Daemon
from tests.faults.actors import Actor
from tests.history.faults import Fault
from tests.projections.ledger_run.plan import FOLLOWED, INLINE, Plan

__all__ = ["Workers", "working"]

#: A worker is killed when it has said so often that it has done something, and then at most so much later
#: (seconds).
_LIVES = (1, 2, 4, 8)
_LIVES_ON = 0.3
#: What may come in the way of a worker, which then tries again.
_IN_THE_WAY = (StoreBusy, RetryTransaction, RebuildRunning, LeaseLost)


@dataclass
class _Worker:
    kind: str
    work: Callable[..., object]
    actor: Actor
    lives: int
    dies_at: float = 0.0


class Workers:
    """The workers of a run.

    Attributes:
        evidence: What they did, and how often they were killed.
        faults: What they saw.
        deaths: Those who died by themselves.
    """

    def __init__(self, plan: Plan) -> None:
        self.evidence: Counter[str] = Counter()
        self.faults: list[Fault] = []
        self.deaths: list[str] = []
        self._plan = plan
        self._dice = random.Random(f"{plan.seed} workers")
        connections.close_all()
        followers = [(_follow, _follow_by_daemon)[number % 2] for number in range(plan.followers)]
        self._workers = [self._started("followers", work) for work in followers]
        self._workers += [self._started("rebuilders", _compute_again) for _ in range(plan.rebuilders)]

    @property
    def were_killed_enough(self) -> bool:
        """Tell whether as many were killed as the plan wants."""
        return all(self.evidence[f"{each.kind} killed"] >= self._plan.kills for each in self._workers)

    def attend(self, seconds: float) -> None:
        """Listen to them for so long, and kill whose time has come, in the midst of whatever it does."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            pipes = {each.actor.pipe: each for each in self._workers}
            for pipe in wait(list(pipes), min(left, 0.02)) if pipes else ():
                self._hear(pipes[pipe])  # type: ignore[index]  # it waits for pipes alone
            if not pipes:
                time.sleep(left)
            for each in [each for each in self._workers if 0 < each.dies_at <= time.monotonic()]:
                self._replace(each)

    def end(self) -> None:
        """Kill all."""
        for each in self._workers:
            self._kill(each)
        self._workers = []

    def end_at_any_rate(self) -> None:
        """Leave none behind, whatever it does."""
        for each in self._workers:
            each.actor.process.kill()

    def _started(self, kind: str, work: Callable[..., object]) -> _Worker:
        dice = random.Random(self._dice.random())
        actor = Actor(partial(work, using=self._plan.using, dice=dice))
        return _Worker(kind, work, actor, self._dice.choice(_LIVES))

    def _hear(self, worker: _Worker) -> None:
        try:
            counts, faults = worker.actor.pipe.recv()
        except (EOFError, ConnectionError):
            self.deaths.append(f"one of the {worker.kind} ended with {worker.actor.end()}")
            self._workers.remove(worker)
            return
        self.evidence.update(counts)
        self.faults += faults
        worker.lives -= 1
        if not worker.lives:
            worker.dies_at = time.monotonic() + self._dice.uniform(0, _LIVES_ON)

    def _replace(self, worker: _Worker) -> None:
        self._kill(worker)
        self._workers.remove(worker)
        self._workers.append(self._started(worker.kind, worker.work))

    def _kill(self, worker: _Worker) -> None:
        worker.actor.kill()  # which asserts that the signal was what ended it
        worker.actor.pipe.close()
        self.evidence[f"{worker.kind} killed"] += 1
        self.evidence["killed at work"] += _was_at_work(worker.actor.process.pid, self._plan.using)
        connections.close_all()  # nobody shares one with a process that is forked later


@contextmanager
def working(plan: Plan) -> Iterator[Workers]:
    """Run the workers of the plan inside the block."""
    workers = Workers(plan)
    try:
        yield workers
        workers.end()
    finally:
        workers.end_at_any_rate()


def _was_at_work(process: int | None, using: str) -> bool:
    """Tell whether it has left a lease behind."""
    mine = {"worker__contains": f":{process}:"}
    tables = (ProjectionState, ProjectionRun)
    return any(table._default_manager.using(using).filter(**mine).exists() for table in tables)


# What the processes do.


def _follow(pipe: Connection, *, using: str, dice: random.Random) -> None:
    """Catch up again and again."""
    while True:
        with suppress(*_IN_THE_WAY):
            events = sum(each.events for each in catch_up(*FOLLOWED, using=using))
            if events:
                pipe.send(({"followed": events}, []))
        time.sleep(dice.uniform(0, 0.01))


def _follow_by_daemon(pipe: Connection, *, using: str, dice: random.Random) -> None:
    """Follow as ``run_projections`` does; it draws nothing."""

    def report(_name: str, turn: Turn) -> None:
        if turn.events:
            pipe.send(({"followed": turn.events}, []))

    Daemon([Follower(selected(FOLLOWED, using), using, report)], using).run()


def _compute_again(pipe: Connection, *, using: str, dice: random.Random) -> None:
    """Rebuild or check one projection after the other: those that are right, so nothing may differ."""
    while True:
        computes, name = dice.choice([rebuild, rebuild, check]), dice.choice([*INLINE, *FOLLOWED])
        try:
            outcome = computes(name, batch_size=50, using=using)
        except _IN_THE_WAY as error:
            pipe.send(({f"{type(error).__name__} of a rebuilder": 1}, []))
        else:
            pipe.send((_evidence_of(outcome), _faults_of(outcome)))


def _evidence_of(outcome: Computed) -> dict[str, int]:
    did = "checked" if outcome.checked else "rebuilt"
    return {did: 1, f"{did} inline": int(outcome.name in INLINE)}


def _faults_of(outcome: Computed) -> list[Fault]:
    """Return what it found: a follower's rows are behind by right, unless they are only compared."""
    if outcome.is_right or (outcome.name in FOLLOWED and not outcome.checked):
        return []
    did = "check" if outcome.checked else "rebuild"
    said = f"{outcome.counts} up to {outcome.position}: {outcome.sample[:3]}"
    return [Fault("G7", f"a {did} of {outcome.name} found {said}")]

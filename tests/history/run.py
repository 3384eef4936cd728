"""A run: processes that write and follow at once, what they noted, and what that proves."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import Value
from multiprocessing.context import ForkContext, ForkProcess
from multiprocessing.synchronize import Barrier
from multiprocessing.synchronize import Event as Flag
from pathlib import Path
from secrets import randbelow
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connections

from factos_django import Query, QueryItem
from tests.history.checker import Fault, check
from tests.history.clients import HOT_TAGS, Follower, Shared, Writer
from tests.history.evidence import Evidence, gather
from tests.history.faults import Run
from tests.history.operations import Freeze, History, Journal, Kill, Outage, now
from tests.history.outages import check_prefix, recovered, without_unflushed
from tests.history.scenes import FIRST, FROZEN, hold, hold_after_savepoint, pass_by
from tests.history.tables import Log, read_tables

__all__ = ["Plan", "Report", "drawn_seed", "run"]

#: One follows everything, one a few tags.
FOLLOWED = (Query.all(), Query.of(*(QueryItem(tags=[tag]) for tag in HOT_TAGS[:2])))

#: How long an append of the scenes waits for a lock, and a holder with its transaction open (seconds).
LIMIT, HOLD_SECONDS = 1.0, 1.1
#: How long a process stays frozen where others do not give up waiting for it (seconds).
LONGEST_FREEZE = 8
#: How long it may take until all go on after an outage (seconds). MariaDB looks once a minute whether it has
#: room for its binary log again.
LONGEST_RECOVERY = 100


def drawn_seed() -> int:
    """Return FACTOS_HISTORY_SEED from the environment, else a random one."""
    return int(os.environ.get("FACTOS_HISTORY_SEED") or randbelow(10**9))


@dataclass(frozen=True)
class Plan:
    """What a run does.

    Attributes:
        using: The alias of the database.
        guards: Each writer takes the guard of its turn.
        writers: Processes that append; the followers come on top.
        operations: Of each writer: appends, or transactions of several.
        alone: Appends of each writer before that, each in a transaction of its own.
        victims: Processes on top that append until they are killed.
        freezes: How often a process is stopped while its transaction is open.
        blackouts: How often all writers are killed at once, and others take over.
        outages: How often the server is killed, and started again, while the writers go on.
        flushes: Whether the server flushes what it acknowledges.
        pooled: Whether a pooler lends the sessions: then an append may wait for one of them, too.
        holds: How often some hold their transactions while others come by who have other tags.
        seconds: No writer begins anything later than this.
    """

    using: str
    guards: tuple[str, ...]
    writers: int = 8
    operations: int = 40
    alone: int = 5
    victims: int = 1
    holds: int = 0
    freezes: int = 1
    seconds: float = 60
    blackouts: int = 0
    outages: int = 0
    flushes: bool = True
    pooled: bool = False
    seed: int = field(default_factory=drawn_seed)

    @property
    def shows_flushed(self) -> bool:
        """Whether the server shows nothing that it could still lose; MariaDB does, for a moment."""
        return self.flushes and self.using != "mariadb"

    @property
    def parallel(self) -> bool:
        """Whether appends are to wait for each other by tags alone."""
        return self.guards == ("tags",) and not self.pooled


@dataclass(frozen=True)
class Report:
    """What came out of a run; ``recoveries`` is how long each outage lasted (seconds)."""

    plan: Plan
    faults: list[Fault]
    evidence: Evidence
    deaths: list[str]
    seconds: float
    recoveries: tuple[float, ...] = ()

    def __str__(self) -> str:
        lines = [f"seed {self.plan.seed} ({self.plan})", f"{self.evidence}, seconds {self.seconds:.1f}"]
        found = [str(fault) for fault in self.faults[:20]]
        return "\n".join([*lines, *self.deaths, f"{len(self.faults)} faults", *found])


def run(plan: Plan, directory: Path, outage: Callable[[], int] | None = None) -> Report:
    """Run the plan on an empty log; the files of the history stay in ``directory``.

    ``outage`` kills the server, starts it again, and returns when it answers: a moment when it was dead.
    """
    sys.stdout.write(f"history run with seed {plan.seed}\n")
    began = time.monotonic()
    deaths = _Crew(plan, directory, outage).work()
    seconds = time.monotonic() - began
    history, log = History.load(sorted(directory.glob("*.jsonl"))), read_tables(plan.using)
    faults, recoveries = _judged(plan, history, log), recovered(Run(history, log))
    return Report(plan, faults, gather(history, log), deaths, seconds, recoveries)


def _judged(plan: Plan, history: History, log: Log) -> list[Fault]:
    prefix = list(check_prefix(Run(history, log))) if plan.outages else []
    if plan.outages and not plan.shows_flushed:
        history = without_unflushed(history, log, acknowledged=not plan.flushes)
    return [*prefix, *check(history, log, parallel=plan.parallel and not plan.outages)]


class _Crew:
    """The processes of a run. Forked, so that what a test patched is patched in them too."""

    def __init__(self, plan: Plan, directory: Path, outage: Callable[[], int] | None) -> None:
        self.plan = plan
        self.outage = outage
        self.directory = directory
        self.dice = random.Random(plan.seed)
        self.context: ForkContext = multiprocessing.get_context("fork")
        self.ended: Flag = self.context.Event()
        self.processes: list[ForkProcess] = []
        self.killed: list[ForkProcess] = []
        self.journal = Journal(directory / "crew.jsonl")

    def work(self) -> list[str]:
        """Run all scenes, one after the other; return how those died that did not end well."""
        connections.close_all()  # nobody shares one with a process that was forked from it
        try:
            followers = self._start_followers()
            self._begin()
            self._meet()
            self._pass()
            for _ in range(self.plan.freezes):
                self._freeze()
            for _ in range(self.plan.blackouts):
                self._black_out()
            self._outlast()
            self.ended.set()
            _join(followers, 60)
        finally:
            for process in self.processes:
                process.kill()
            self.journal.close()
        left = [each for each in self.processes if each not in self.killed]
        return [f"{each.name} ended with {each.exitcode}" for each in left if each.exitcode != 0]

    def _start_followers(self) -> list[ForkProcess]:
        """Start those who follow from before the first append on."""
        followed = FOLLOWED if self.plan.flushes else ()  # or they would be ahead of the log that is left
        met = self.context.Barrier(len(followed) + 1)
        followers = [self._start(_follow, query, met, self.ended) for query in followed]
        met.wait(60)
        return followers

    def _begin(self) -> None:
        """Hold the first append of the log open, then append alone: nobody is to be broken off then."""
        first = partial(time.sleep, 0.2)
        _join([self._start(_scene, hold, FIRST, first)], 60)
        self._together(_write_alone, self._shared(), self.plan.alone)

    def _meet(self) -> None:
        """Let many work with few tags, and kill some of them."""
        plan = self.plan
        met = self.context.Barrier(plan.writers + plan.victims)
        shared = self._shared()
        writers = [self._start(_write, shared, met, plan.operations) for _ in range(plan.writers)]
        # Whoever is killed with the lock of a counter would keep it for ever.
        victims = [self._start(_write, self._shared(), met, 10**6) for _ in range(plan.victims)]
        for victim in victims:
            self._kill(victim)
        _join(writers, plan.seconds + 60)

    def _pass(self) -> None:
        """Let some hold their transactions for long, and others come by who have nothing to do with them."""
        for turn in range(self.plan.holds):
            stay = partial(time.sleep, HOLD_SECONDS)
            holders = [self._start(_scene, hold_after_savepoint, f"held:{turn}-{n}", stay) for n in range(2)]
            _join([*holders, *self._strollers(HOLD_SECONDS)], 60)

    def _freeze(self) -> None:
        """Stop a process that has appended, let others come by, of its context and not, and let it go on."""
        holding, thawed = self.context.Event(), self.context.Event()
        frozen = self._start(_scene, hold_after_savepoint, FROZEN, partial(_wait_frozen, holding, thawed))
        assert holding.wait(60), "nobody held the transaction that was to be frozen"
        assert frozen.pid is not None
        os.kill(frozen.pid, signal.SIGSTOP)
        begun = now()
        strollers = self._strollers(LIMIT / 2, FROZEN, FROZEN)
        _join(strollers, LONGEST_FREEZE)
        self.journal.write(Freeze(self._number(frozen), begun, now(), LIMIT))
        os.kill(frozen.pid, signal.SIGCONT)
        thawed.set()
        _join([frozen, *strollers], 60)

    def _black_out(self) -> None:
        """Kill all who write, at once, and let others go on."""
        met = self.context.Barrier(self.plan.writers)
        victims = [self._start(_write, self._shared(), met, 10**6) for _ in range(self.plan.writers)]
        self._await_growth(victims)
        for victim in victims:
            victim.kill()
        for victim in victims:
            self._bury(victim)
        self._together(_write_alone, self._shared(), self.plan.alone)

    def _outlast(self) -> None:
        """Kill the server, and start it again, while many write."""
        if self.outage is None:
            return
        over, shared = self.context.Event(), self._shared()
        writers = [self._start(_outlast, shared, over) for _ in range(self.plan.writers)]
        for _ in range(self.plan.outages):
            self._await_growth(writers)
            begun = now()
            dead = self.outage()
            self.journal.write(Outage(begun, dead, now()))
            self._await_growth(writers, LONGEST_RECOVERY)
        over.set()
        _join(writers, 60)

    def _await_growth(self, writers: list[ForkProcess], seconds: float = 30) -> None:
        """Return when each of them has noted a lot since the call; it may take so long."""
        paths = [self._path(self._number(writer)) for writer in writers]
        sizes = {path: path.stat().st_size + self.dice.randrange(6_000, 10_000) for path in paths}
        deadline = time.monotonic() + seconds
        while any(path.stat().st_size < size for path, size in sizes.items()):
            assert time.monotonic() < deadline, "somebody writes no more"
            time.sleep(0.001)

    def _strollers(self, seconds: float, *tags: str) -> list[ForkProcess]:
        """Let some come by with these tags, and three with a tag of their own; return the processes."""
        tags += tuple(f"own:{number}" for number in range(3))
        return [self._start(_scene, pass_by, tag, seconds) for tag in tags]

    def _together(self, work: Callable[..., None], *about: Any) -> None:
        met = self.context.Barrier(self.plan.writers)
        _join([self._start(work, met, *about) for _ in range(self.plan.writers)], 120)

    def _kill(self, victim: ForkProcess) -> None:
        """Kill the process at some moment after it has noted something."""
        journal, size = self._path(self._number(victim)), self.dice.randrange(20_000, 60_000)
        deadline = time.monotonic() + 30
        while journal.stat().st_size < size and time.monotonic() < deadline:
            time.sleep(0.001)
        victim.kill()
        self._bury(victim)

    def _bury(self, victim: ForkProcess) -> None:
        victim.join(60)
        self.killed.append(victim)
        self.journal.write(Kill(self._number(victim), now()))

    def _shared(self) -> Shared:
        return Shared(self.context.Value("l", 0), self.context.Value("l", 0))

    def _number(self, process: ForkProcess) -> int:
        return self.processes.index(process)

    def _path(self, number: int) -> Path:
        return self.directory / f"{number:03}.jsonl"

    def _start(self, work: Callable[..., None], *about: Any) -> ForkProcess:
        number = len(self.processes)
        self._path(number).touch()
        process = self.context.Process(target=self._be, args=(number, work, *about), name=f"process {number}")
        self.processes.append(process)
        process.start()
        return process

    def _be(self, number: int, work: Callable[..., None], *about: Any) -> None:
        journal = Journal(self._path(number))
        settings.FACTOS_GUARD = {self.plan.using: self.plan.guards[number % len(self.plan.guards)]}
        try:
            _connect(self.plan.using)
            work(_Part(number, self.plan, journal), *about)
        except BaseException:
            traceback.print_exc()
            raise
        finally:
            journal.close()
            connections.close_all()


@dataclass(frozen=True)
class _Part:
    """What each process knows of the run."""

    number: int
    plan: Plan
    journal: Journal

    def writer(self, shared: Shared) -> Writer:
        return Writer(self.number, self.plan.seed, self.plan.using, shared, self.journal)


def _write(part: _Part, shared: Shared, met: Barrier, operations: int) -> None:
    met.wait(60)
    part.writer(shared).work(operations, time.monotonic() + part.plan.seconds)


def _outlast(part: _Part, shared: Shared, over: Flag) -> None:
    part.writer(shared).outlast(over)


def _write_alone(part: _Part, met: Barrier, shared: Shared, operations: int) -> None:
    settings.FACTOS_DISPATCH_ATTEMPTS = 1  # a second attempt would hide a deadlock
    met.wait(60)
    part.writer(shared).work_alone(operations)


def _scene(part: _Part, scene: Callable[..., None], *about: Any) -> None:
    settings.FACTOS_LOCK_TIMEOUT_SECONDS = LIMIT
    scene(part.writer(Shared(Value("l", 0), Value("l", 0))), *about)


def _follow(part: _Part, query: Query, met: Barrier, ended: Flag) -> None:
    outlasts = part.plan.outages > 0
    follower = Follower(part.number, part.plan.seed, part.plan.using, query, part.journal, keeps=outlasts)
    follower.read_to_head()
    met.wait(60)
    if outlasts:
        follower.outlast(ended)
    else:
        follower.work(ended)


def _wait_frozen(holding: Flag, thawed: Flag) -> None:
    holding.set()
    while not thawed.is_set():
        time.sleep(0.01)


def _connect(using: str) -> None:
    """Open the connection, and have PostgreSQL find deadlocks sooner, where it lets us ask for that."""
    connection = connections[using]
    connection.ensure_connection()
    if connection.vendor == "postgresql":
        _try_sql(connection, "SET deadlock_timeout = '50ms'")


def _try_sql(connection: Any, sql: str) -> None:
    try:
        with connection.cursor() as cursor:
            cursor.execute(sql)
    except DatabaseError:  # only a superuser may
        connection.close()
        connection.ensure_connection()


def _join(processes: list[ForkProcess], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    for process in processes:
        process.join(max(0.1, deadline - time.monotonic()))

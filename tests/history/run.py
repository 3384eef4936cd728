"""A run: processes that write and follow at once, what they noted, and what that proves."""

from __future__ import annotations

import multiprocessing
import os
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
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
from tests.history.operations import History, Journal
from tests.history.tables import read_tables

__all__ = ["Plan", "Report", "run"]

#: One follows everything, one a few tags.
FOLLOWED = (Query.all(), Query.of(*(QueryItem(tags=[tag]) for tag in HOT_TAGS[:2])))


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
        seconds: No writer begins anything later than this.
    """

    using: str
    guards: tuple[str, ...]
    writers: int = 8
    operations: int = 40
    seconds: float = 60
    seed: int = field(default_factory=drawn_seed)


@dataclass(frozen=True)
class Report:
    """What came out of a run."""

    plan: Plan
    faults: list[Fault]
    evidence: Evidence
    deaths: list[str]
    seconds: float

    def __str__(self) -> str:
        lines = [f"seed {self.plan.seed} ({self.plan})", f"{self.evidence}, seconds {self.seconds:.1f}"]
        found = [str(fault) for fault in self.faults[:20]]
        return "\n".join([*lines, *self.deaths, f"{len(self.faults)} faults", *found])


def run(plan: Plan, directory: Path) -> Report:
    """Run the plan on an empty log; the files of the history stay in ``directory``."""
    sys.stdout.write(f"history run with seed {plan.seed}\n")
    began = time.monotonic()
    deaths = _Crew(plan, directory).work()
    seconds = time.monotonic() - began
    history, log = History.load(sorted(directory.glob("*.jsonl"))), read_tables(plan.using)
    return Report(plan, check(history, log), gather(history, log), deaths, seconds)


class _Crew:
    """The processes of a run. Forked, so that what a test patched is patched in them too."""

    def __init__(self, plan: Plan, directory: Path) -> None:
        self.plan = plan
        self.directory = directory
        self.context: ForkContext = multiprocessing.get_context("fork")
        self.barrier: Barrier = self.context.Barrier(plan.writers + len(FOLLOWED))
        self.ended: Flag = self.context.Event()
        self.shared = Shared(self.context.Value("l", 0), self.context.Value("l", 0))

    def work(self) -> list[str]:
        """Run them all to their end; return how those died that did not end well."""
        connections.close_all()  # nobody shares one with a process that was forked from it
        numbers = range(self.plan.writers)
        writers = [self._start(number, self._write) for number in numbers]
        followers = [self._start(self.plan.writers + turn, self._follow) for turn in range(len(FOLLOWED))]
        try:
            _join(writers, self.plan.seconds + 60)
            self.ended.set()
            _join(followers, 60)
        finally:
            for process in writers + followers:
                process.kill()
        return [f"{p.name} ended with {p.exitcode}" for p in writers + followers if p.exitcode != 0]

    def _start(self, number: int, work: Callable[[int, Journal], None]) -> ForkProcess:
        process = self.context.Process(target=self._be, args=(number, work), name=f"process {number}")
        process.start()
        return process

    def _be(self, number: int, work: Callable[[int, Journal], None]) -> None:
        journal = Journal(self.directory / f"{number:02}.jsonl")
        settings.FACTOS_GUARD = {self.plan.using: self.plan.guards[number % len(self.plan.guards)]}
        try:
            _connect(self.plan.using)
            self.barrier.wait(60)
            work(number, journal)
        except BaseException:
            traceback.print_exc()
            raise
        finally:
            journal.close()
            connections.close_all()

    def _write(self, number: int, journal: Journal) -> None:
        plan = self.plan
        writer = Writer(number, plan.seed, plan.using, self.shared, journal)
        writer.work(plan.operations, time.monotonic() + plan.seconds)

    def _follow(self, number: int, journal: Journal) -> None:
        query = FOLLOWED[number - self.plan.writers]
        Follower(number, self.plan.seed, self.plan.using, query, journal).work(self.ended)


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

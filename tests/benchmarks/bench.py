"""A run of the benchmark: its subjects, and the databases they are measured in."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from tests.benchmarks.brokers import Environment
from tests.benchmarks.clients import run_clients
from tests.benchmarks.databases import Databases
from tests.benchmarks.figures import rate
from tests.benchmarks.floor import DATABASE as DATABASE_OF_THE_FLOOR
from tests.benchmarks.tasks import Job, Result

__all__ = ["FLOOR", "LONG", "OURS", "PEER", "SHORT", "SUBJECTS", "Bench", "Log", "Scale", "missing_subjects"]

OURS, PEER, FLOOR = "ours", "peer", "floor"
SUBJECTS = (OURS, PEER, FLOOR)

_MODULES = {
    OURS: "tests.benchmarks.ours_client",
    PEER: "tests.benchmarks.peer",
    FLOOR: "tests.benchmarks.floor",
}
_MODULES_OF_TALLY = {OURS: "tests.benchmarks.tally.client", PEER: "tests.benchmarks.tally.peer"}
#: What a project adds to its OPTIONS for prepared statements; the peer and the floor have them anyway.
_PREPARING = "server_side_binding=true&prepare_threshold=1"
#: FACTOS_MAX_BATCH; the peer takes as many.
_FILL_BATCH = 10_000


@dataclass(frozen=True, slots=True)
class Scale:
    """How much is measured.

    Attributes:
        seconds: Of each measurement that goes by time.
        decisions: Of each of the processes that decide about a hot context.
        contexts: That are read and appended to in a log of known size.
        small, middle, big: Events of the logs.
        huge: Events of the one that is filled when that is asked for.
        batch: Events an append, where there are many.
        of_peer: Events that the peer's projection processes, which takes a transaction for each.
        effects: That are delivered as fast as possible, and one after another.
    """

    seconds: float
    decisions: int
    contexts: int
    small: int
    middle: int
    big: int
    huge: int
    of_peer: int
    effects: tuple[int, int] = (1000, 100)
    batch: int = 1000

    @property
    def sizes(self) -> dict[str, int]:
        """The sizes of the logs that rows are measured over, by their names on the command line."""
        return {"small": self.small, "middle": self.middle, "big": self.big}


LONG = Scale(
    seconds=5,
    decisions=60,
    contexts=500,
    small=10_000,
    middle=100_000,
    big=1_000_000,
    huge=10_000_000,
    of_peer=10_000,
)
SHORT = Scale(
    seconds=1,
    decisions=5,
    contexts=50,
    small=1_000,
    middle=3_000,
    big=10_000,
    huge=20_000,
    of_peer=300,
    effects=(30, 3),
)


@dataclass(frozen=True, slots=True)
class Log:
    """A database that holds a log of known size, and how fast it was filled (events a second)."""

    database: str
    per_second: float


@dataclass
class Bench:
    """Runs jobs in databases of their own.

    Attributes:
        databases: Of this run.
        scale: How much is measured.
        runs: How often.
        subjects: Those that are there.
    """

    databases: Databases
    scale: Scale
    runs: int
    subjects: tuple[str, ...] = SUBJECTS
    _templates: dict[str, str] = field(default_factory=dict)
    _logs: dict[tuple[str, int], Log] = field(default_factory=dict)
    _remembered: dict[str, float] = field(default_factory=dict)

    def fresh(self, subject: str) -> AbstractContextManager[str]:
        """A database with the subject's tables and nothing in them, for one measurement."""
        return self._copy_of(self._template(subject))

    def copied(self, subject: str, size: int) -> AbstractContextManager[str]:
        """A copy of the subject's log of ``size`` events, for one measurement that writes."""
        return self._copy_of(self.log(subject, size).database)

    def remembered(self, what: str, measure: Callable[[Bench], float]) -> float:
        """Measure what has not been measured yet under this name."""
        if what not in self._remembered:
            self._remembered[what] = measure(self)
        return self._remembered[what]

    def log(self, subject: str, size: int) -> Log:
        """The subject's log of ``size`` events, filled when it is first asked for. Nobody writes to it."""
        if (subject, size) not in self._logs:
            self._logs[subject, size] = self._fill(subject, size)
        self.databases.checkpoint()
        return self._logs[subject, size]

    def tally(
        self, subject: str, database: str, *jobs: Job, mode: str = "async", broker: Environment | None = None
    ) -> list[Result]:
        """Let processes do jobs about the projection, whose rows are written in this ``mode``.

        In the mode ``effects`` a reactor takes its place, and in the mode ``none`` nothing does.
        """
        environment = self.tally_environment(subject, database, mode, broker)
        return run_clients(_MODULES_OF_TALLY[subject], environment, jobs)

    def tally_environment(
        self, subject: str, database: str, mode: str, broker: Environment | None = None
    ) -> dict[str, str]:
        """Return what tells a process what it is to measure."""
        environment = self.environment(subject, database) | {"FACTOS_TEST_TALLY": mode} | dict(broker or {})
        if subject == OURS:
            environment["DJANGO_SETTINGS_MODULE"] = "tests.benchmarks.tally.settings"
        return environment

    def tally_log(self, subject: str, size: int, mode: str = "async") -> AbstractContextManager[str]:
        """A database with a log of ``size`` events of the projection, and no row of it."""
        if (f"{subject} {mode}", -size) not in self._logs:
            database = self.databases.make()
            self.tally(subject, database, Job("create"), mode=mode)
            if size:
                self.tally(subject, database, Job("fill", log=size, batch=_FILL_BATCH))
            self.databases.vacuum(database)
            self._logs[f"{subject} {mode}", -size] = Log(database, 0.0)
        return self._copy_of(self._logs[f"{subject} {mode}", -size].database)

    def clients(
        self, subject: str, database: str, jobs: Sequence[Job], *, prepared: bool = False
    ) -> list[Result]:
        """Let processes do the jobs at the same time; ``prepared`` asks for prepared statements in ours."""
        environment = self.environment(subject, database, prepared=prepared)
        return run_clients(_MODULES[subject], environment, jobs)

    @contextmanager
    def _copy_of(self, template: str) -> Iterator[str]:
        database = self.databases.make(template)
        self.databases.checkpoint()
        try:
            yield database
        finally:
            self.databases.remove(database)

    def _template(self, subject: str) -> str:
        owner = OURS if subject == FLOOR else subject
        if owner not in self._templates:
            database = self.databases.make()
            self.clients(owner, database, [Job("create")])
            self._templates[owner] = database
        return self._templates[owner]

    def _fill(self, subject: str, size: int) -> Log:
        if subject == FLOOR:
            return self.log(OURS, size)
        database = self.databases.make(template=self._template(subject))
        filled = self.clients(subject, database, [Job("fill", log=size, batch=_FILL_BATCH)])
        self.databases.vacuum(database)
        return Log(database, rate(filled))

    def environment(self, subject: str, database: str, *, prepared: bool = False) -> dict[str, str]:
        """Return what tells a process of this subject which database it is to use."""
        url = self.databases.url_of(database)
        if subject == FLOOR:
            return {DATABASE_OF_THE_FLOOR: url}
        if subject == OURS:
            url = _with_options(url, _PREPARING) if prepared else url
            return {"DJANGO_SETTINGS_MODULE": "tests.benchmarks.settings", "DATABASE_URL": url, "DEBUG": "0"}
        login = {f"POSTGRES_{key.upper()}": value for key, value in self.databases.login().items()}
        return login | {
            "PERSISTENCE_MODULE": "eventsourcing.dcb.postgres_tt",
            "MAPPER_TOPIC": "eventsourcing.dcb.msgpack:MessagePackMapper",
            "POSTGRES_DBNAME": database,
            "POSTGRES_POOL_SIZE": "1",  # a client has one thread; 16 pools of five would fill the server
        }


def _with_options(url: str, options: str) -> str:
    parts = urlsplit(url)
    return parts._replace(query="&".join(each for each in (parts.query, options) if each)).geturl()


def missing_subjects() -> dict[str, str]:
    """The subjects that cannot be measured here, each with the reason."""
    missing = {}
    if importlib.util.find_spec("eventsourcing") is None:
        missing[PEER] = "eventsourcing is not installed (make bench installs it)"
    return missing

"""What a client process does, written once over the event stores and the floor.

A task is a generator: what stands before its ``yield`` is preparation (connect, warm up), what stands
after it is measured, and what it returns goes to the parent as JSON. It measures its own time.
"""

from __future__ import annotations

import json
import random
import resource
import sys
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from tests.benchmarks.facts import Fact, contexts_of_log, fact_of_log

__all__ = [
    "TASKS",
    "TASKS_IN_TRANSACTIONS",
    "Job",
    "Result",
    "Steps",
    "Store",
    "Task",
    "Transactional",
    "create",
    "peak_megabytes",
    "serve",
    "until",
]

#: Operations before the measured ones: connections are open then, plans made, pages in memory.
_WARM_UP = 20
#: Of a process about the hot context, before the next one takes its place: it is contention that is
#: measured, and not the reading of a context that grows without end.
_DECISIONS = 10
#: Seconds between two looks of a follower.
_POLL = 0.01
#: For how long a transaction stays open after what it recorded (seconds).
_HELD = 0.05

Result = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Job:
    """What one client is told.

    Attributes:
        task: The name of what it does.
        number: Of this client among those of its group, from 0.
        seconds: How long it measures, where a task goes by time.
        count: How many operations, where it goes by number.
        batch: Facts an append.
        tenant: The tenant of all facts; empty: each fact has its own.
        both_tags: The condition names the tenant's tag beside the context's.
        log: The size of the log that is filled, or was.
        after: The position after which a page begins.
    """

    task: str
    number: int = 0
    seconds: float = 0.0
    count: int = 0
    batch: int = 1
    tenant: str = ""
    both_tags: bool = False
    log: int = 0
    after: int = 0

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    def numbered(self, processes: int) -> list[Job]:
        """The same job for a group of clients."""
        return [replace(self, number=number) for number in range(processes)]

    def fact(self, name: str) -> Fact:
        return Fact(name, self.tenant or name)


class Store(Protocol):
    """An event store as the tasks use it."""

    def create(self) -> None:
        """Make the tables in an empty database."""

    def connect(self) -> None:
        """Open the connection that is used from then on."""

    def append(self, facts: Sequence[Fact], *, unless: Sequence[str] = (), after: int | None = None) -> None:
        """Record the facts, unless one that has all the tags ``unless`` stands after ``after``."""

    def decide(self, fact: Fact) -> int:
        """Read the fact's context, record the fact if it did not move, else again; return the conflicts."""

    def read_context(self, tag: str) -> int:
        """Read the facts that have the tag; return the position to append after."""

    def replay(self) -> Iterator[object]:
        """Read the whole log, in order, in pages of 1000."""

    def follow(self, after: int) -> int:
        """Read what came after a position; return the last one read."""


class Transactional(Store, Protocol):
    """One that records in the transactions of the application."""

    def transaction(self) -> AbstractContextManager[object]:
        """A transaction, which commits at the end of the block."""

    def record_and_hold(self, fact: Fact, seconds: float) -> None:
        """Record a fact of a new context in a transaction, which stays open for so long."""


Steps = Generator[None, None, Result]
Task = Callable[[Any, Job], Steps]


def serve(store: Any, tasks: Mapping[str, Task]) -> None:
    """Do the job on the command line: prepare, say so, wait for the word, measure, print the result."""
    job = Job(**json.loads(sys.argv[1]))
    steps = tasks[job.task](store, job)
    next(steps)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    if not sys.stdin.readline():
        return  # nobody is left to measure for
    try:
        next(steps)
    except StopIteration as done:
        sys.stdout.write(json.dumps(done.value) + "\n")


def until(seconds: float, operation: Callable[[int], object]) -> Result:
    """Repeat the operation for a time; return how long each took (ms), and all of them (s).

    ``processor`` is the processor time that they took of this process (s).
    """
    clock = time.perf_counter
    milliseconds: list[float] = []
    processor = time.process_time()
    begun = before = clock()
    while before - begun < seconds:
        operation(len(milliseconds))
        now = clock()
        milliseconds.append(round((now - before) * 1000, 4))
        before = now
    processor = time.process_time() - processor
    count = len(milliseconds)
    return {"count": count, "seconds": before - begun, "milliseconds": milliseconds, "processor": processor}


def create(store: Store, _job: Job) -> Steps:
    """Make the tables."""
    store.create()
    yield
    return {}


def append(store: Store, job: Job) -> Steps:
    """Append under a condition, each time about a context that is new."""

    def one(name: str) -> None:
        fact = job.fact(name)
        store.append([fact], unless=fact.tags if job.both_tags else [fact.context_tag])

    store.connect()
    for ordinal in range(_WARM_UP):
        one(f"warm-{job.number}-{ordinal}")
    yield
    return until(job.seconds, lambda ordinal: one(f"{job.number}-{ordinal}"))


def decide(store: Store, job: Job) -> Steps:
    """Decide so many times about the context that everybody decides about."""
    store.connect()
    for _ in range(_WARM_UP):
        store.decide(job.fact(f"warm-{job.number}"))
    yield
    begun = time.perf_counter()
    facts = (Fact(f"hot-{ordinal // _DECISIONS}", str(job.number)) for ordinal in range(job.count))
    conflicts = sum(store.decide(fact) for fact in facts)
    return {"count": job.count, "seconds": time.perf_counter() - begun, "conflicts": conflicts}


def decide_disjoint(store: Store, job: Job) -> Steps:
    """Decide about a context that is new, again and again."""
    store.connect()
    for ordinal in range(_WARM_UP):
        store.decide(job.fact(f"warm-{job.number}-{ordinal}"))
    yield
    return until(job.seconds, lambda ordinal: store.decide(job.fact(f"{job.number}-{ordinal}")))


def append_batches(store: Store, job: Job) -> Steps:
    """Append many facts at a time, without a condition."""

    def one(name: str) -> None:
        store.append([job.fact(f"{name}-{ordinal}") for ordinal in range(job.batch)])

    store.connect()
    one("warm")
    yield
    result = until(job.seconds, lambda ordinal: one(str(ordinal)))
    return result | {"count": result["count"] * job.batch}


def fill(store: Store, job: Job) -> Steps:
    """Record a log of a given size."""
    store.connect()
    yield
    begun = time.perf_counter()
    for first in range(0, job.log, job.batch):
        ordinals = range(first, min(first + job.batch, job.log))
        store.append([fact_of_log(ordinal, job.log) for ordinal in ordinals])
    return {"count": job.log, "seconds": time.perf_counter() - begun}


def read_and_append(store: Store, job: Job) -> Steps:
    """Read contexts of a big log, no context twice, and append to each under its condition."""
    known = contexts_of_log(job.log)
    contexts = random.Random(job.log).sample(range(known), min(known, job.count + 5))
    count = len(contexts) - 5
    reads: list[float] = []
    appends: list[float] = []
    store.connect()
    for number in contexts[count:]:
        _read_and_append(store, number, [], [])
    yield
    for number in contexts[:count]:
        _read_and_append(store, number, reads, appends)
    return {"reads": reads, "appends": appends}


def _read_and_append(store: Store, number: int, reads: list[float], appends: list[float]) -> None:
    fact = Fact(str(number), "new")
    begun = time.perf_counter()
    position = store.read_context(fact.context_tag)
    read = time.perf_counter()
    store.append([fact], unless=[fact.context_tag], after=position)
    appended = time.perf_counter()
    reads.append((read - begun) * 1000)
    appends.append((appended - read) * 1000)


def replay(store: Store, _job: Job) -> Steps:
    """Read the whole log, and tell what that took of time and memory."""
    store.connect()
    yield
    begun = time.perf_counter()
    count = sum(1 for _ in store.replay())
    return {"count": count, "seconds": time.perf_counter() - begun, "megabytes": peak_megabytes()}


def follow(store: Store, job: Job) -> Steps:
    """Look for what is new, again and again."""
    store.connect()
    position = store.follow(0)
    yield
    looks, end = 0, time.perf_counter() + job.seconds
    while time.perf_counter() < end:
        position = store.follow(position)
        looks += 1
        time.sleep(_POLL)
    return {"looks": looks, "position": position}


def record_and_hold(store: Transactional, job: Job) -> Steps:
    """Record a fact of a new context in a transaction that stays open, again and again."""
    store.connect()
    store.record_and_hold(job.fact(f"warm-{job.number}"), _HELD)
    yield
    return until(job.seconds, lambda each: store.record_and_hold(job.fact(f"{job.number}-{each}"), _HELD))


def hold_the_head(store: Transactional, job: Job) -> Steps:
    """Append in a transaction, and leave it open while the others measure."""
    store.connect()
    with store.transaction():
        store.append([job.fact("held")])
        yield
        time.sleep(job.seconds + 1)
    nothing: Result = {}
    return nothing


def peak_megabytes() -> float:
    """The peak of the resident memory of this process, in 10^6 bytes."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    lines = status.read_text().splitlines()
    # ru_maxrss can be that of the parent, before exec.
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1024 / 1e6


TASKS: dict[str, Task] = {
    each.__name__: each
    for each in (
        append,
        append_batches,
        create,
        decide,
        decide_disjoint,
        fill,
        follow,
        read_and_append,
        replay,
    )
}

TASKS_IN_TRANSACTIONS: dict[str, Task] = {each.__name__: each for each in (hold_the_head, record_and_hold)}

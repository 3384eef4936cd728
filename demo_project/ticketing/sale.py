"""A sale to real concurrent buyers: operating system processes, released by one barrier.

Each process loads this module first, so it imports no model: what buys is in ``buyers``. What the buyers
report proves nothing; ``sale_report`` counts the tables.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing import get_all_start_methods, get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from multiprocessing.synchronize import Barrier
from secrets import token_hex
from threading import BrokenBarrierError

import django
from django.apps import apps
from django.db import connections
from django.utils.module_loading import import_string

__all__ = ["ACCEPTED", "SOLD_OUT", "Answer", "Sale", "Worker", "answers", "meet", "sell"]

ACCEPTED = "accepted"
SOLD_OUT = "sold out"

#: What runs in each process.
SERVE = "demo_project.ticketing.buyers.serve"

#: How long a process waits for the others at the barrier (seconds).
BARRIER_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Sale:
    """Who wants tickets, and how the buyers are let in.

    Attributes:
        hold_seconds: How long a buyer's transaction stays open after its dispatch; 0: it has none.
        run: Part of the buyers' names, so that they are other people in each run.
    """

    conference: str
    attempts: int
    concurrency: int
    hold_seconds: float
    using: str
    run: str = field(default_factory=lambda: token_hex(4))

    def shares(self) -> list[list[str]]:
        """Return the buyers of each process. No process is without one."""
        buyers = [f"buyer-{self.run}-{number}" for number in range(1, self.attempts + 1)]
        processes = min(self.concurrency, self.attempts)
        return [buyers[first::processes] for first in range(processes)]


@dataclass(frozen=True, slots=True)
class Answer:
    """What one buyer was told: ACCEPTED, SOLD_OUT, or the class of the error and its message."""

    kind: str
    retries: int = 0
    detail: str = ""


@dataclass(slots=True, eq=False)
class Worker:
    """One process of buyers, as its parent sees it."""

    process: BaseProcess
    reports: Connection
    unanswered: int


@contextmanager
def sell(sale: Sale) -> Iterator[list[Worker]]:
    """Start the processes and let them all go at once; on leaving, none is left behind."""
    context = get_context("fork" if "fork" in get_all_start_methods() else "spawn")
    shares = sale.shares()
    barrier = context.Barrier(len(shares) + 1)  # this process is the last one, and starts the clock
    _close_connections()
    workers: list[Worker] = []
    try:
        for buyers in shares:
            workers.append(_start(context, sale, buyers, barrier))  # noqa: PERF401  # what has started is ended
        meet(barrier)
        yield workers
    finally:
        for worker in workers:
            _end(worker)


def answers(workers: list[Worker]) -> Iterator[Answer]:
    """Yield what the buyers are told, as it comes, until each attempt has its answer."""
    selling = list(workers)
    while selling:
        ready = wait([worker.reports for worker in selling])
        for worker in [worker for worker in selling if worker.reports in ready]:
            if (answer := _received(worker)) is not None:
                yield answer
            else:
                selling.remove(worker)
                yield from _deaths(worker)


def _close_connections() -> None:
    # A forked process would share them, and a pool has threads, which do not survive a fork.
    for connection in connections.all(initialized_only=True):
        connection.close()
        if hasattr(connection, "close_pool"):
            connection.close_pool()


def _start(context: BaseContext, sale: Sale, buyers: list[str], barrier: Barrier) -> Worker:
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(  # type: ignore[attr-defined]  # typeshed: only its subclasses have it
        target=_run, args=(sale, buyers, barrier, sender), daemon=True
    )
    process.start()
    sender.close()  # so that the process alone holds it, and its death is the end of the pipe
    return Worker(process, receiver, len(buyers))


def _run(*arguments: object) -> None:
    if not apps.ready:  # the process is no fork
        django.setup()
    import_string(SERVE)(*arguments)


def meet(barrier: Barrier) -> None:
    """Wait for all the others.

    If somebody dies on the way, the rest go on after a while: the report says who is missing.
    """
    with suppress(BrokenBarrierError):
        barrier.wait(BARRIER_SECONDS)


def _received(worker: Worker) -> Answer | None:
    try:
        answer: Answer = worker.reports.recv()
    except (EOFError, OSError):  # it has ended, perhaps in the middle of a report
        return None
    worker.unanswered -= 1
    return answer


def _deaths(worker: Worker) -> list[Answer]:
    worker.process.join()
    return [Answer(f"ProcessDied({worker.process.exitcode})")] * worker.unanswered


def _end(worker: Worker) -> None:
    worker.process.terminate()
    worker.process.join()
    worker.reports.close()

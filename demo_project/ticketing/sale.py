"""A sale to real concurrent buyers: operating system processes, released by one barrier.

What the buyers report proves nothing; ``sale_report`` counts the tables.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from multiprocessing import get_all_start_methods, get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from multiprocessing.synchronize import Barrier
from secrets import token_hex
from threading import BrokenBarrierError

from django.db import Error as DatabaseFailure
from django.db import connections

from demo_project.ticketing.domain import (
    AlreadyOpen,
    BuyTicket,
    OpenConference,
    SoldOut,
    conference_openings,
    opening_context,
    sale_context,
    ticket_sales,
)
from demo_project.ticketing.process import run_function
from factos_django.dispatch import dispatch, retrying

__all__ = ["ACCEPTED", "SOLD_OUT", "Answer", "Sale", "answers", "open_conference", "sell"]

ACCEPTED = "accepted"
SOLD_OUT = "sold out"

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


def open_conference(conference: str, capacity: int, using: str) -> int:
    """Open the conference if it is new, and return the capacity on record."""
    command = OpenConference(conference, capacity)
    try:
        dispatch(command, decider=conference_openings, query=opening_context, using=using)
    except AlreadyOpen as refused:
        return refused.capacity
    return capacity


# In the parent


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
        _meet(barrier)
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
        target=run_function,
        args=(f"{__name__}.{serve.__name__}", sale, buyers, barrier, sender),
        daemon=True,
    )
    process.start()
    sender.close()  # so that the process alone holds it, and its death is the end of the pipe
    return Worker(process, receiver, len(buyers))


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


# In each process


def serve(sale: Sale, buyers: list[str], barrier: Barrier, reports: Connection) -> None:
    """Buy for each of ``buyers`` in turn, on a connection of this process, and report each answer."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent too, which ends us
    with suppress(DatabaseFailure):  # each attempt will say so
        connections[sale.using].ensure_connection()
    _meet(barrier)
    for buyer in buyers:
        reports.send(answer_to(sale, buyer))
    connections.close_all()


def _meet(barrier: Barrier) -> None:
    # Somebody died on the way here: the others sell all the same, and the report says who is missing.
    with suppress(BrokenBarrierError):
        barrier.wait(BARRIER_SECONDS)


def answer_to(sale: Sale, buyer: str) -> Answer:
    """Buy one ticket, and tell how that went."""
    try:
        return Answer(ACCEPTED, retries=buy(sale, buyer))
    except SoldOut:
        return Answer(SOLD_OUT)
    except Exception as error:  # whatever it is, it is counted under its own name
        return Answer(type(error).__name__, detail=str(error))


def buy(sale: Sale, buyer: str) -> int:
    """Buy one ticket, and return how often that had to be tried again."""
    return _buy_and_hold(sale, buyer) if sale.hold_seconds else _buy(sale, buyer)


def _buy(sale: Sale, buyer: str) -> int:
    command = BuyTicket(sale.conference, buyer)
    sold = dispatch(command, decider=ticket_sales, query=sale_context, using=sale.using)
    return sold.attempts - 1


def _buy_and_hold(sale: Sale, buyer: str) -> int:
    runs = count()

    @retrying(using=sale.using)
    def transaction() -> int:
        earlier = next(runs)
        retries = earlier + _buy(sale, buyer)
        time.sleep(sale.hold_seconds)  # nobody should do this under a guard: here the buyers are to meet
        return retries

    return transaction()

"""Forked processes with connections of their own, to be frozen and killed."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.context import ForkProcess
from typing import Any

from django.db import connections

__all__ = ["Actor", "actor", "actors", "counted", "die"]

#: How long a test waits for a process before it fails (seconds).
PATIENCE = 60


class Actor:
    """A process that runs ``work(pipe)``; it was forked, so what the test patched is patched in it too."""

    def __init__(self, work: Callable[[Connection], object]) -> None:
        context = multiprocessing.get_context("fork")
        self.pipe, theirs = context.Pipe()
        self.process: ForkProcess = context.Process(target=self._run, args=(work, theirs), daemon=True)
        self.process.start()
        theirs.close()

    def _run(self, work: Callable[[Connection], object], pipe: Connection) -> None:
        self.pipe.close()
        try:
            work(pipe)
        finally:
            connections.close_all()

    def hear(self) -> Any:
        """Return what it says next; EOFError if it has died."""
        assert self.pipe.poll(PATIENCE), "the process says nothing"
        return self.pipe.recv()

    def tell(self, what: object) -> None:
        """Say something to it."""
        self.pipe.send(what)

    def freeze(self) -> None:
        """Stop it, and return when it has stopped."""
        self._signal(signal.SIGSTOP)
        os.waitpid(self.process.pid or 0, os.WUNTRACED)

    def thaw(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """Kill it, frozen or not, and return when it is dead."""
        self._signal(signal.SIGKILL)
        assert self.end() == -signal.SIGKILL

    def end(self) -> int | None:
        """Wait for its end; return its exit status, the negative of the signal that killed it."""
        self.process.join(PATIENCE)
        return self.process.exitcode

    def _signal(self, number: int) -> None:
        assert self.process.pid
        os.kill(self.process.pid, number)


@contextmanager
def actors(*works: Callable[[Connection], object]) -> Iterator[list[Actor]]:
    """Run each of ``works`` in a process; on leaving, none is left behind."""
    connections.close_all()  # nobody shares one with a process that was forked from it
    started: list[Actor] = []
    try:
        for work in works:
            started.append(Actor(work))  # noqa: PERF401  # what has started is ended
        yield started
    finally:
        for each in started:
            each.process.kill()
            each.process.join(PATIENCE)
            each.pipe.close()


@contextmanager
def actor(work: Callable[[Connection], object]) -> Iterator[Actor]:
    """Run ``work`` in a process."""
    with actors(work) as (one,):
        yield one


def die(*_args: object, **_kwargs: object) -> None:
    """End this process as ``kill -9`` does: nothing is cleaned up."""
    os.kill(os.getpid(), signal.SIGKILL)


def counted(using: str) -> dict[str, int]:
    """Return how many rows the tables of the log hold, by plain SQL."""
    tables = {"events": "factos_event", "tags": "factos_tag", "keys": "factos_idempotencykey"}
    with connections[using].cursor() as cursor:
        return {name: _count(cursor, table) for name, table in tables.items()}


def _count(cursor: Any, table: str) -> int:
    cursor.execute(f"SELECT count(*) FROM {table}")
    return int(cursor.fetchone()[0])

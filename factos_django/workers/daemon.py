"""The worker that goes on for ever: it gives each of its jobs a turn, then waits to be woken.

Any number of them may run, on any number of machines: what they do is under leases.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Protocol

from django.db import Error, close_old_connections, connections

from factos_django.core.errors import BrokerUnavailable, StoreError
from factos_django.workers.waking import Waiting

__all__ = ["Daemon", "Job"]

logger = logging.getLogger(__name__)

#: The pause of a job after it failed (seconds), and the longest. It doubles in between.
_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 30.0


class Job(Protocol):
    """What a daemon does again and again."""

    @property
    def name(self) -> str: ...

    def turn(self, ended: Callable[[], bool]) -> float:
        """Do what is due, or a part of it; return after how long to look again (seconds).

        ``ended`` tells that the daemon is to end soon. An Error of the database, a StoreError or
        BrokerUnavailable puts the job off; another error ends the daemon.
        """


class Daemon:
    """Gives ``jobs`` on the database ``using`` their turns, until it is told to end."""

    def __init__(self, jobs: Sequence[Job], using: str) -> None:
        self.using = using
        self.waiting = Waiting(using)
        self._shifts = [_Shift(job, using) for job in jobs]

    def run(self) -> None:
        """Go on until ``end``; then finish what is at work."""
        try:
            while not self.waiting.ended:
                close_old_connections()
                self.waiting.listen()  # before the look: what commits after it is heard
                for shift in self._shifts:
                    shift.work(lambda: self.waiting.ended)
                # One that failed is not to be hurried by facts; where all did, nobody is.
                heeding = not all(shift.has_failed for shift in self._shifts)
                self.waiting.wait(min(shift.seconds for shift in self._shifts), heeding=heeding)
        finally:
            self.waiting.close()

    def end(self) -> None:
        """Let ``run`` return soon; a signal handler may call it."""
        self.waiting.end()


class _Shift:
    """One job, and when it is to be looked after."""

    def __init__(self, job: Job, using: str) -> None:
        self.job, self.using = job, using
        self._failures = 0
        self._due = time.monotonic()

    @property
    def has_failed(self) -> bool:
        return self._failures > 0

    @property
    def seconds(self) -> float:
        """For how long it can wait."""
        return max(0.0, self._due - time.monotonic())

    def work(self, ended: Callable[[], bool]) -> None:
        if ended() or (self.has_failed and self.seconds):
            return
        try:
            seconds = self.job.turn(ended)
            self._failures = 0
        except (Error, StoreError, BrokerUnavailable) as error:
            seconds = self._failed(error)
        self._due = time.monotonic() + seconds

    def _failed(self, error: Exception) -> float:
        seconds = float(min(_FIRST_PAUSE * 2.0**self._failures, _LONGEST_PAUSE))
        self._failures = min(self._failures + 1, 16)
        logger.warning(
            "%s on %s failed, and is tried again in %s s: %s", self.job.name, self.using, seconds, error
        )
        with suppress(Error):
            connections[self.using].close()
        return seconds

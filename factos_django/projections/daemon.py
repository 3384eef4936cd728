"""The worker that goes on for ever: it gives each projection that is behind a turn, then waits to be woken.

Any number of them may run, on any number of machines: each turn is under a lease.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Sequence
from contextlib import suppress

from django.db import Error, close_old_connections, connections

from factos_django.conf import conf
from factos_django.core.errors import StoreError
from factos_django.projections.declaration import Projection
from factos_django.projections.following import Outcome, Turn, behind, follow
from factos_django.projections.states import ensure_states
from factos_django.projections.waking import Waiting

__all__ = ["Daemon"]

logger = logging.getLogger(__name__)

#: Batches of a turn: the others are not kept waiting by one that is far behind.
_BATCHES = 10
#: The pause after a database failed (seconds), and the longest. It doubles in between.
_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 30.0


class Daemon:
    """Follows the log of one database with ``projections``, until it is told to end."""

    def __init__(
        self, projections: Sequence[Projection], using: str, report: Callable[[str, Turn], None]
    ) -> None:
        self.projections, self.using, self.report = projections, using, report
        self.waiting = Waiting(using)
        self._failures = 0

    def run(self) -> None:
        """Go on until ``end``; then finish the batch that is at work, and give its lease back."""
        try:
            while not self.waiting.ended:
                self._round_and_wait()
        finally:
            self.waiting.close()

    def end(self) -> None:
        """Let ``run`` return soon; a signal handler may call it."""
        self.waiting.end()

    def _round_and_wait(self) -> None:
        try:
            close_old_connections()
            self.waiting.listen()  # before the look: what commits after it is heard
            seconds = self._round()
            self._failures = 0
        except (Error, StoreError) as error:
            self.waiting.wait(self._failed(error), heeding=False)
        else:
            self.waiting.wait(seconds)

    def _round(self) -> float:
        """Give everybody who is behind a turn; return how long to wait then (seconds)."""
        ensure_states(self.projections, self.using)
        chosen = behind(self.projections, self.using)
        random.shuffle(chosen)  # several workers do not all begin with the same
        turns = [self._turn(each) for each in chosen if not self.waiting.ended]
        if any(turn.outcome is Outcome.MORE for turn in turns):
            return 0.0
        return min([conf.POLL_SECONDS, *(turn.seconds for turn in turns if turn.seconds)])

    def _turn(self, projection: Projection) -> Turn:
        turn = follow(projection, self.using, batches=_BATCHES, ended=lambda: self.waiting.ended)
        self.report(projection.name, turn)
        return turn

    def _failed(self, error: Exception) -> float:
        seconds = float(min(_FIRST_PAUSE * 2.0**self._failures, _LONGEST_PAUSE))
        self._failures = min(self._failures + 1, 16)
        logger.warning("%s cannot be followed, and is tried again in %s s: %s", self.using, seconds, error)
        with suppress(Error):
            connections[self.using].close()
        return seconds

"""The job of following: each projection that is behind gets a turn."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from factos_django.conf import conf
from factos_django.projections.declaration import Projection
from factos_django.projections.following import Outcome, Turn, behind, follow
from factos_django.projections.states import ensure_states

__all__ = ["Follower"]

#: Batches of a turn: the others are not kept waiting by one that is far behind.
_BATCHES = 10


class Follower:
    """Lets ``projections`` follow the log of ``using``; a job of a daemon.

    ``report`` is told of each turn of each projection.
    """

    name = "following"

    def __init__(
        self, projections: Sequence[Projection], using: str, report: Callable[[str, Turn], None]
    ) -> None:
        self.projections, self.using, self.report = projections, using, report

    def turn(self, ended: Callable[[], bool]) -> float:
        """Give everybody who is behind a turn; return after how long to look again (seconds)."""
        ensure_states(self.projections, self.using)
        chosen = behind(self.projections, self.using)
        random.shuffle(chosen)  # several workers do not all begin with the same
        turns = [self._turn(each, ended) for each in chosen if not ended()]
        if any(turn.outcome is Outcome.MORE for turn in turns):
            return 0.0
        return min([conf.POLL_SECONDS, *(turn.seconds for turn in turns if turn.seconds)])

    def _turn(self, projection: Projection, ended: Callable[[], bool]) -> Turn:
        turn = follow(projection, self.using, batches=_BATCHES, ended=ended)
        self.report(projection.name, turn)
        return turn

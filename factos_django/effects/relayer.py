"""The job of relaying: what is due is published, again and again."""

from __future__ import annotations

from collections.abc import Callable

from factos_django.conf import conf
from factos_django.effects.outbox.publishing import seconds_until_due
from factos_django.effects.relaying import Publish, Relayed, relay

__all__ = ["Relayer"]

#: Batches of a turn: other jobs are not kept waiting by a long outbox.
_BATCHES = 10

#: The shortest pause (seconds): what is due next is claimed together with what is due a moment later.
_SHORTEST_PAUSE = 0.05


class Relayer:
    """Publishes the effects of ``using`` that are due; a job of a daemon.

    ``report`` is told of each batch.
    """

    name = "relaying"

    def __init__(self, publish: Publish, using: str, report: Callable[[Relayed], None]) -> None:
        self.publish, self.using, self.report = publish, using, report

    def turn(self, ended: Callable[[], bool]) -> float:
        """Publish what is due; return after how long to look again (seconds)."""
        for _ in range(_BATCHES):
            relayed = relay(self.publish, self.using, ended=ended)
            self.report(relayed)
            if ended() or not relayed.more:
                return self._pause()
        return 0.0

    def _pause(self) -> float:
        until = seconds_until_due(self.using)
        longest = float(conf.POLL_SECONDS)
        return longest if until is None else min(longest, max(_SHORTEST_PAUSE, until))

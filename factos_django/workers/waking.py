"""Waking workers on PostgreSQL: NOTIFY after a commit that appended, LISTEN where a worker waits.

It makes workers prompt, and nothing depends on it: a worker that is not woken looks by itself, after
FACTOS_POLL_SECONDS. SQLite and MariaDB have nothing of the kind, and there it always does.
"""

from __future__ import annotations

import logging
import select
import socket
from typing import Any

from django.db import Error, connections

from factos_django.conf import conf
from factos_django.registry import REACTORS, followers
from factos_django.store.transactions import owns_transaction

__all__ = ["CHANNEL", "Waiting", "notify"]

logger = logging.getLogger(__name__)

#: The channel that workers listen to.
CHANNEL = "factos_events"

#: For how long what has arrived is read (seconds).
_AT_HAND = 0.05

_NOTIFY = f"NOTIFY {CHANNEL}"
_LISTEN = f"LISTEN {CHANNEL}"


def notify(using: str) -> None:
    """Wake the workers that listen; one of ``store.announcing.WAKERS``.

    It is a statement after the commit and not in it: a COMMIT that notifies waits for all others that do.
    """
    if connections[using].vendor != "postgresql" or not _is_waited_for(using) or not owns_transaction(using):
        return
    try:
        with connections[using].cursor() as cursor:
            cursor.execute(_NOTIFY)
    except Error as error:
        logger.warning("Nobody was woken for facts in %s: %s", using, error)


def _is_waited_for(using: str) -> bool:
    """Tell whether a worker has anything to do at once: a relay has not where commits nudge by themselves."""
    relayed = not conf.CELERY_NUDGE and any(each.takes_part(using) for each in REACTORS)
    return relayed or bool(followers(using))


class Waiting:
    """Where a worker waits: until it is woken, until it is told to end, or until time is over."""

    def __init__(self, using: str) -> None:
        self.using = using
        self.ended = False
        self._end, self._told_to_end = socket.socketpair()
        self._listening: Any = None

    def end(self) -> None:
        """Let every wait be over from now on; a signal handler may call it."""
        self.ended = True
        self._end.send(b".")

    def listen(self) -> None:
        """Hear every NOTIFY from now on. It has a connection of its own, outside of any pool."""
        usual = connections[self.using]
        if usual.vendor != "postgresql" or self._listening is not None:
            return
        own = usual.copy()
        own.settings_dict["OPTIONS"] = {
            k: v for k, v in usual.settings_dict["OPTIONS"].items() if k != "pool"
        }
        try:
            with own.cursor() as cursor:
                cursor.execute(_LISTEN)
            self._listening = own
        except Error as error:
            logger.warning("Nobody can be woken by %s, which is polled: %s", self.using, error)
            own.close()

    def wait(self, seconds: float, *, heeding: bool = True) -> None:
        """Return after ``seconds``, or as soon as there are facts (if ``heeding``), or it is to end."""
        watched: list[Any] = [self._told_to_end]
        if heeding and self._listening is not None:
            watched.append(self._listening.connection)
        ready, _, _ = select.select(watched, [], [], seconds)
        if self._listening is not None and self._listening.connection in ready:
            self._hear()

    def close(self) -> None:
        """Give up what it waits with; it cannot be told to end any more."""
        self._stop_listening()
        self._end.close()
        self._told_to_end.close()

    def _stop_listening(self) -> None:
        if self._listening is not None:
            self._listening.close()
            self._listening = None

    def _hear(self) -> None:
        try:
            list(self._listening.connection.notifies(timeout=_AT_HAND, stop_after=1))
        except Exception as error:  # the driver's own: the server is gone
            logger.warning("The connection to %s that hears of facts is lost: %s", self.using, error)
            self._stop_listening()

"""Nudges after a commit: messages are sent by a thread in the background, so no request waits for a broker.

A message that was not sent is nobody's loss: beat and daemons find what is due.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Sequence
from functools import partial
from typing import Any

from factos_django.beat import CATCH_UP_TASK
from factos_django.conf import conf
from factos_django.effects.announcing import Outgoing
from factos_django.registry import HANDLERS, followers
from factos_django.tasks.background import BACKGROUND
from factos_django.tasks.broker import KeptConnection, current, has_broker
from factos_django.tasks.messages import send
from factos_django.tasks.publishing import sent

__all__ = ["nudge", "nudge_effects"]

#: What waits to be published, with the alias of its database. It is bounded, for a broker may hang: the
#: oldest give way, and a relay finds them. A deque takes and gives one at a time without a lock of ours,
#: which a fork could find taken.
_WAITING: deque[tuple[Outgoing, str]] = deque(maxlen=1_000)

_PUBLISHING = "factos.effects"

#: That of the thread in the background.
_CONNECTION = KeptConnection()


def nudge(using: str) -> None:
    """Ask a Celery worker to catch up; one of ``store.announcing.WAKERS``.

    Nothing is asked where FACTOS_CELERY_NUDGE is False, no broker is configured, tasks run eagerly, or no
    projection follows.
    """
    if conf.CELERY_NUDGE and followers(using) and has_broker(app := current()):
        BACKGROUND.submit((CATCH_UP_TASK, using), partial(_ask_to_catch_up, app, using))


def _ask_to_catch_up(app: Any, using: str) -> None:
    with _CONNECTION(app) as connection:
        app.tasks[CATCH_UP_TASK].apply_async((using,), connection=connection, retry=False)


def nudge_effects(outgoing: Sequence[Outgoing], using: str) -> None:
    """Publish effects that were committed; one of ``effects.announcing.PUBLISHERS``.

    Where tasks run eagerly they are delivered here and now: their transaction is over. Nothing is published
    where FACTOS_CELERY_NUDGE is False, or no broker is configured.
    """
    handled = [each for each in outgoing if HANDLERS.named(each.name) is not None]
    if not (conf.CELERY_NUDGE and handled):
        return
    app = current()
    if app.conf.task_always_eager:
        for each in handled:
            send(app, each, using)
    elif has_broker(app):
        _WAITING.extend((each, using) for each in handled)
        BACKGROUND.submit(_PUBLISHING, partial(_publish, app))


def _publish(app: Any) -> None:
    """Publish what waits. Where the broker fails, what was taken is left to a relay."""
    taken = []
    while _WAITING:
        taken.append(_WAITING.popleft())
    for _ in sent(app, taken, _CONNECTION):
        pass


def _leave_to_parent() -> None:
    """Forget what is the parent's, in a forked process: he publishes it."""
    _WAITING.clear()
    _CONNECTION.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave_to_parent)

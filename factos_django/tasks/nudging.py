"""Nudges after a commit: messages are sent by a thread in the background, so no request waits for a broker.

A message that was not sent is nobody's loss: beat and daemons find what is due.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from factos_django.beat import CATCH_UP_TASK
from factos_django.conf import conf
from factos_django.effects.announcing import Outgoing
from factos_django.registry import HANDLERS, followers
from factos_django.tasks.background import BACKGROUND
from factos_django.tasks.broker import bounded_connection, current, has_broker
from factos_django.tasks.messages import send

__all__ = ["nudge", "nudge_effects"]


def nudge(using: str) -> None:
    """Ask a Celery worker to catch up; one of ``store.announcing.WAKERS``.

    Nothing is asked where FACTOS_CELERY_NUDGE is False, no broker is configured, tasks run eagerly, or no
    projection follows.
    """
    if conf.CELERY_NUDGE and followers(using) and has_broker(app := current()):
        BACKGROUND.submit((CATCH_UP_TASK, using), partial(_ask_to_catch_up, app, using))


def _ask_to_catch_up(app: Any, using: str) -> None:
    with bounded_connection(app) as connection:
        app.tasks[CATCH_UP_TASK].apply_async((using,), connection=connection, retry=False)


def nudge_effects(outgoing: Sequence[Outgoing], using: str) -> None:
    """Publish effects that were committed; one of ``effects.announcing.PUBLISHERS``.

    Where tasks run eagerly they are delivered here and now: their transaction is over. Nothing is published
    where FACTOS_CELERY_NUDGE is False, or no broker is configured.
    """
    handled = tuple(each for each in outgoing if HANDLERS.named(each.name) is not None)
    if not (conf.CELERY_NUDGE and handled):
        return
    app = current()
    if app.conf.task_always_eager:
        for each in handled:
            send(each, using)
    elif has_broker(app):
        BACKGROUND.submit(("factos.effects", using, handled[0].id), partial(_publish, app, handled, using))


def _publish(app: Any, outgoing: Sequence[Outgoing], using: str) -> None:
    with bounded_connection(app) as connection:
        for each in outgoing:
            send(each, using, connection=connection, retry=False)

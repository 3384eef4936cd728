"""Celery: the only module that imports it.

A commit nudges: it asks for a message to be sent, by a thread in the background, so that no request waits for
a broker or fails with it. A message that was not sent is nobody's loss: ``beat_schedule`` sends others.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from celery import current_app, shared_task

from factos_django.beat import CATCH_UP_TASK
from factos_django.conf import conf
from factos_django.projections import catch_up
from factos_django.registry import followers
from factos_django.tasks.background import BACKGROUND

__all__ = ["catch_up_task", "nudge"]

#: How long one step of sending may take (seconds).
_PATIENCE = 2.0
#: The same in the words of Redis and of AMQP. Other transports read none of them.
_BOUNDED = {
    "socket_connect_timeout": _PATIENCE,
    "socket_timeout": _PATIENCE,
    "read_timeout": _PATIENCE,
    "write_timeout": _PATIENCE,
}


@shared_task(name=CATCH_UP_TASK, ignore_result=True)  # type: ignore[untyped-decorator]
def catch_up_task(using: str) -> dict[str, str]:
    """Let all asynchronous projections of the database ``using`` catch up; return how each stands.

    Any number may run at once, and twice does no harm.
    """
    return {each.name: each.standing.value for each in catch_up(using=using)}


def nudge(using: str) -> None:
    """Ask a Celery worker to catch up; one of ``store.announcing.WAKERS``.

    Nothing is asked where FACTOS_CELERY_NUDGE is False, no broker is configured, tasks run eagerly, or no
    projection follows.
    """
    if conf.CELERY_NUDGE and followers(using) and _has_broker(app := current_app._get_current_object()):
        BACKGROUND.submit((CATCH_UP_TASK, using), partial(_publish, app, using))


def _has_broker(app: Any) -> bool:
    return bool(app.conf.broker_write_url) and not app.conf.task_always_eager


def _publish(app: Any, using: str) -> None:
    with app.connection_for_write(connect_timeout=_PATIENCE, transport_options=_BOUNDED) as connection:
        app.tasks[CATCH_UP_TASK].apply_async((using,), connection=connection, retry=False)

"""The Celery task that computes a projection again, and asking for it."""

from __future__ import annotations

import logging
from typing import Any

from celery import shared_task

from factos_django.beat import REBUILD_PROJECTION_TASK
from factos_django.core.errors import LeaseLost, ProjectionElsewhere, RebuildRunning, UnknownProjection
from factos_django.projections.rebuilding import rebuild
from factos_django.projections.rebuilding.runs import refuse_running
from factos_django.projections.selection import here
from factos_django.store.database import database_for_writing
from factos_django.tasks.messages import known_database
from factos_django.tasks.publishing import send_now

__all__ = ["ask_to_rebuild", "rebuild_projection_task"]

logger = logging.getLogger(__name__)


def ask_to_rebuild(name: str, *, using: str | None = None) -> None:
    """Have a Celery worker rebuild the projection ``name``; return once the broker has the message.

    Its run is seen in the status of the projection once a worker has begun, and ``rebuilt_at`` changes when
    it is done. A worker that dies leaves the rows as they were, and nobody begins again: ask once more.

    Args:
        name: Of the projection.
        using: The alias of the database.

    Raises:
        UnknownProjection, ProjectionElsewhere: There is none.
        RebuildRunning: Somebody rebuilds or checks it now.
        NoBroker: None is configured.
        BrokerUnavailable: It is down, or does not answer within seconds.
    """
    alias = database_for_writing(using)
    refuse_running(here(name, alias).name, alias)
    send_now(REBUILD_PROJECTION_TASK, name, alias)


@shared_task(name=REBUILD_PROJECTION_TASK, ignore_result=True)  # type: ignore[untyped-decorator]
def rebuild_projection_task(name: Any, using: Any) -> str:
    """Rebuild the projection ``name`` in the database ``using``; return what came of it, in a word.

    Where somebody else is at it, or there is no such projection, it ends with a line in the log. What the
    projection itself raises, the task raises.
    """
    if not (isinstance(name, str) and known_database(using)):
        return "ignored"
    try:
        rebuild(name, using=using)
    except (UnknownProjection, ProjectionElsewhere, RebuildRunning, LeaseLost) as error:
        logger.warning("%s was not rebuilt: %s", name, error)
        return "refused"
    return "rebuilt"

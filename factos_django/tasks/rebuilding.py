"""The Celery tasks that compute a projection again, to rebuild or to check it, and asking for them."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from celery import shared_task

from factos_django.beat import CHECK_PROJECTION_TASK, REBUILD_PROJECTION_TASK
from factos_django.core.errors import (
    InsideTransaction,
    LeaseLost,
    ProjectionElsewhere,
    RebuildRunning,
    UnknownProjection,
)
from factos_django.projections.rebuilding import Computed, check, rebuild, runs
from factos_django.projections.selection import here
from factos_django.store.database import database_for_writing
from factos_django.tasks.messages import known_database
from factos_django.tasks.publishing import send_now

__all__ = ["ask_to_check", "ask_to_rebuild", "check_projection_task", "rebuild_projection_task"]

logger = logging.getLogger(__name__)

_REFUSALS = (UnknownProjection, ProjectionElsewhere, RebuildRunning, LeaseLost, InsideTransaction)


def ask_to_rebuild(name: str, *, using: str | None = None) -> None:
    """Have a Celery worker rebuild the projection ``name``; return once the broker has the message.

    The status of the projection tells that it was asked for, how far its run is once a worker has begun, and
    what came of it. A worker that dies leaves the rows as they were, and nobody begins again: ask once more.

    Args:
        name: Of the projection.
        using: The alias of the database.

    Raises:
        UnknownProjection, ProjectionElsewhere: There is none.
        RebuildRunning: Somebody rebuilds or checks it now.
        NoBroker: None is configured.
        BrokerUnavailable: It is down, or does not answer within seconds.
    """
    _ask(name, using, checks=False)


def ask_to_check(name: str, *, using: str | None = None) -> None:
    """Have a Celery worker compare the rows of ``name`` with their facts; it writes none of them.

    Args and errors are those of ``ask_to_rebuild``.
    """
    _ask(name, using, checks=True)


def _ask(name: str, using: str | None, *, checks: bool) -> None:
    alias = database_for_writing(using)
    known = here(name, alias).name
    runs.ask(known, alias, checks=checks)  # before it is sent: a worker may be fast
    try:
        send_now(CHECK_PROJECTION_TASK if checks else REBUILD_PROJECTION_TASK, known, alias)
    except Exception:
        runs.withdraw(known, alias)
        raise


@shared_task(name=REBUILD_PROJECTION_TASK, ignore_result=True)  # type: ignore[untyped-decorator]
def rebuild_projection_task(name: Any, using: Any) -> str:
    """Rebuild the projection ``name`` in the database ``using``; return what came of it, in a word.

    Where somebody else is at it, or there is no such projection, it ends with a line in the log. What the
    projection itself raises, the task raises.
    """
    done = _done(rebuild, name, using)
    return done if isinstance(done, str) else "rebuilt"


@shared_task(name=CHECK_PROJECTION_TASK, ignore_result=True)  # type: ignore[untyped-decorator]
def check_projection_task(name: Any, using: Any) -> str:
    """Compare the rows of ``name`` in ``using`` with their facts, as ``rebuild_projection_task`` rebuilds."""
    done = _done(check, name, using)
    if isinstance(done, str):
        return done
    return "same" if done.is_right else "different"


def _done(work: Callable[..., Computed], name: Any, using: Any) -> Computed | str:
    """Do it, if the message makes sense; else return in a word why not."""
    if not (isinstance(name, str) and known_database(using)):
        return "ignored"
    try:
        return work(name, using=using)
    except _REFUSALS as error:
        runs.turn_down(name, error, using)
        logger.warning("%s of %s was refused: %s", work.__name__, name, error)
        return "refused"

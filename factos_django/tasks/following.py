"""The Celery task of followers."""

from __future__ import annotations

from celery import shared_task

from factos_django.beat import CATCH_UP_TASK
from factos_django.projections import catch_up

__all__ = ["catch_up_task"]


@shared_task(name=CATCH_UP_TASK, ignore_result=True)  # type: ignore[untyped-decorator]
def catch_up_task(using: str) -> dict[str, str]:
    """Let all asynchronous projections of the database ``using`` catch up; return how each stands.

    Any number may run at once, and twice does no harm.
    """
    return {each.name: each.standing.value for each in catch_up(using=using)}

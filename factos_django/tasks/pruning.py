"""The Celery task that removes old effects."""

from __future__ import annotations

from typing import Any

from celery import shared_task

from factos_django.beat import PRUNE_EFFECTS_TASK
from factos_django.effects.steering import prune
from factos_django.tasks.messages import known_database

__all__ = ["prune_effects_task"]


@shared_task(name=PRUNE_EFFECTS_TASK, ignore_result=True)  # type: ignore[untyped-decorator]
def prune_effects_task(using: Any) -> int:
    """Remove the effects of the database ``using`` that were finished long ago; return how many.

    How long is FACTOS_EFFECT_RETENTION_DAYS, and in no message.
    """
    return prune(using=using) if known_database(using) else 0

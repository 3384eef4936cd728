"""The Celery task that relays effects."""

from __future__ import annotations

from typing import Any

from celery import shared_task

from factos_django.beat import RELAY_EFFECTS_TASK
from factos_django.effects.relaying import relay_due
from factos_django.tasks.messages import known_database
from factos_django.tasks.publishing import published

__all__ = ["relay_effects_task"]


@shared_task(name=RELAY_EFFECTS_TASK, ignore_result=True)  # type: ignore[untyped-decorator]
def relay_effects_task(using: Any) -> int:
    """Publish the effects of the database ``using`` that are due; return how many.

    Any number may run at once, and share the work.
    """
    return relay_due(published, using) if known_database(using) else 0

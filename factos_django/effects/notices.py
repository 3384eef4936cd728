"""Telling, after commit, what became of an effect."""

from __future__ import annotations

import logging
from functools import partial
from typing import Any

from django.db import transaction
from django.dispatch import Signal

from factos_django.core.delivery import Delivery
from factos_django.models import Effect
from factos_django.signals import effect_dead, effect_delivered, effect_failed, tell

__all__ = ["tell_dead", "tell_delivered", "tell_failed", "tell_superseded"]

logger = logging.getLogger(__name__)


def tell_delivered(effect: Any, delivery: Delivery) -> None:
    """Send ``effect_delivered``."""
    _after_commit(effect_delivered, effect, delivery)


def tell_failed(row: Effect, effect: Any, delivery: Delivery, error: BaseException, seconds: float) -> None:
    """Send ``effect_failed``, and log it as a warning: it is tried again."""
    said = "Attempt %s to deliver %s %s failed; the next is due in %.1f s"
    logger.warning(said, delivery.attempt, row.name, row.pk, seconds, exc_info=error)
    _after_commit(effect_failed, effect, delivery, error=error, attempt=delivery.attempt)


def tell_dead(row: Effect, effect: Any, delivery: Delivery, error: BaseException | None) -> None:
    """Send ``effect_dead``, and log it as an error: somebody has to look."""
    said = "%s %s is dead after attempt %s (manage.py factos_effects show %s)"
    logger.error(said, row.name, row.pk, delivery.attempt, row.pk, exc_info=error)
    _after_commit(effect_dead, effect, delivery)


def tell_superseded(row: Effect, delivery: Delivery) -> None:
    """Log that the result of an attempt is ignored: it took longer than its lease."""
    said = "Attempt %s to deliver %s %s outlived its lease, and another has begun: its result is ignored"
    logger.warning(said, delivery.attempt, row.name, row.pk)


def _after_commit(signal: Signal, effect: Any, delivery: Delivery, **said: Any) -> None:
    told = partial(tell, signal, effect=effect, delivery=delivery, using=delivery.using, **said)
    transaction.on_commit(told, using=delivery.using, robust=True)

"""Telling, after commit, what became of a projection."""

from __future__ import annotations

import logging
from functools import partial
from typing import Any

from django.db import transaction
from django.dispatch import Signal

from factos_django.projections.failures import Failure
from factos_django.signals import projection_rebuilt, projection_stopped, tell

__all__ = ["tell_rebuilt", "tell_stopped"]

logger = logging.getLogger(__name__)


def tell_stopped(name: str, failure: Failure, using: str) -> None:
    """Send ``projection_stopped``, and log it."""
    logger.error("Projection %s stopped at position %s: %s", name, failure.position, failure.error)
    _after_commit(projection_stopped, using, name=name, error=failure.error)


def tell_rebuilt(name: str, rows: int, using: str) -> None:
    """Send ``projection_rebuilt``, and log it."""
    logger.info("Projection %s is rebuilt: %s rows were put right", name, rows)
    _after_commit(projection_rebuilt, using, name=name, rows=rows)


def _after_commit(signal: Signal, using: str, **said: Any) -> None:
    transaction.on_commit(partial(tell, signal, using=using, **said), using=using, robust=True)

"""Waiting for what other processes do with effects."""

from __future__ import annotations

import time
from collections.abc import Callable

from factos_django.models import Effect
from tests.faults.actors import PATIENCE

__all__ = ["all_done", "states", "until"]


def until(condition: Callable[[], object], what: str) -> None:
    """Look until ``condition`` holds; fail with ``what`` if it never does."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"never seen: {what}"
        time.sleep(0.05)


def states(using: str) -> dict[str, int]:
    """Return how many effects are in each state."""
    told: dict[str, int] = {}
    for state in Effect.objects.using(using).values_list("state", flat=True):
        told[state] = told.get(state, 0) + 1
    return told


def all_done(using: str) -> None:
    """Return once every effect is done."""
    until(lambda: set(states(using)) == {"done"}, "every effect is done")

"""The facts that a projection went on without."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from factos_django.models import ParkedEvent

__all__ = ["Parked", "parked_events"]

#: So many are shown (events).
_SHOWN = 50


@dataclass(frozen=True, slots=True)
class Parked:
    """Parked events, the newest fact first; ``is_cut``: there are more."""

    events: list[Any]
    is_cut: bool


def parked_events(name: str, using: str) -> Parked:
    """Return the parked events of the projection ``name``, up to a number; tracebacks are not read."""
    rows = ParkedEvent.objects.using(using).filter(projection=name).order_by("-position")
    found = list(rows.defer("traceback")[: _SHOWN + 1])
    return Parked(found[:_SHOWN], len(found) > _SHOWN)

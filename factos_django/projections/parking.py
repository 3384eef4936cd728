"""Parked events: the only module that writes ParkedEvent."""

from __future__ import annotations

from collections.abc import Iterable

from factos_django.models import ParkedEvent
from factos_django.projections.failures import Failure
from factos_django.workers.leases import database_now

__all__ = ["park", "parked_positions", "replace_parked"]


def park(name: str, failure: Failure, using: str, *, by_hand: bool = False) -> None:
    """Record that the projection ``name`` went on without the event of ``failure``."""
    replaced = {
        "event": failure.event,
        "error": failure.error,
        "traceback": failure.traceback,
        "by_hand": by_hand,
        "parked_at": database_now(using),
    }
    ParkedEvent.objects.using(using).update_or_create(
        projection=name, position=failure.position, defaults=replaced
    )


def parked_positions(name: str, using: str) -> dict[int, bool]:
    """Return the positions of the events that ``name`` went on without, and whether by hand."""
    rows = ParkedEvent.objects.using(using).filter(projection=name)
    return dict(rows.values_list("position", "by_hand"))


def replace_parked(name: str, failures: Iterable[Failure], using: str) -> None:
    """Let ``failures`` be all that ``name`` has parked: a rebuild tried every event again."""
    known = parked_positions(name, using)
    ParkedEvent.objects.using(using).filter(projection=name).delete()
    for failure in failures:
        park(name, failure, using, by_hand=known.get(failure.position, False))

"""How far a follower is behind."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from django.db import connections
from django.db.models import ExpressionWrapper, F

from factos_django.core.query import Query
from factos_django.models import Event
from factos_django.models.fields import MomentField
from factos_django.store.matching import Slice, matching_positions
from factos_django.store.narrowing import narrowest_first

__all__ = ["COUNTED", "Lag", "lag", "within"]

#: Up to so many events are counted, if nobody asks for more (events).
COUNTED = 100_000


def within(most: int, at_most: int | None) -> int:
    """Return how many to count of what ``most`` are counted of, where nobody is to look at more than that."""
    return most if at_most is None else min(most, at_most)


@dataclass(frozen=True, slots=True)
class Lag:
    """What a follower has not applied yet.

    Attributes:
        events: How many facts of its query are between its checkpoint and the head.
        is_more: Whether there are more than that; they were not all counted.
        seconds: How long ago the first of them was recorded; 0 where there is none.
    """

    events: int
    is_more: bool
    seconds: float


def lag(part: Slice, query: Query, now: datetime, using: str) -> Lag:
    """Return the lag of who still has to apply ``part``, counted to its limit; no event is decoded."""
    events, first = _missing(part, query, using)
    moment = ExpressionWrapper(F("recorded_at"), output_field=MomentField())  # aware, whatever USE_TZ says
    recorded_at = Event.objects.using(using).filter(pk=first).values_list(moment, flat=True).first()
    seconds = 0.0 if recorded_at is None else max(0.0, (now - recorded_at).total_seconds())
    most = events if part.limit is None else part.limit
    return Lag(min(events, most), events > most, seconds)


def _missing(part: Slice, query: Query, using: str) -> tuple[int, int | None]:
    """Return how many events of ``part`` match, or more than its limit, and the position of the first."""
    # With a limit each branch of the query is cut off there by itself, and beyond the head nowhere.
    wider = part if part.limit is None else replace(part, limit=part.limit + 1)
    positions, parameters = matching_positions(narrowest_first(query, using), wider)
    sql = f"SELECT count(*), min(position) FROM ({positions}) AS missing WHERE position <= %s"
    with connections[using].cursor() as cursor:
        cursor.execute(sql, [*parameters, part.upto])
        events, first = cursor.fetchone()
    return events, first

"""Where the log stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import connections
from django.db.models import Max

from factos_django.conf import conf
from factos_django.models import Event
from factos_django.status.holder import Holder, holder
from factos_django.status.lag import within
from factos_django.store import head

__all__ = ["LogStatus", "log_status"]

#: Up to so many events are counted; of more, their number is estimated (events).
_COUNTED = 100_000

# As the planner does: rows a page when it was last looked at, times the pages of now.
_ESTIMATE = """
SELECT CASE WHEN reltuples < 0 OR relpages = 0 THEN NULL
    ELSE reltuples / relpages * (pg_relation_size(oid) / current_setting('block_size')::int) END
FROM pg_class WHERE oid = 'factos_event'::regclass
"""


@dataclass(frozen=True, slots=True)
class LogStatus:
    """The log of one database.

    Attributes:
        head: The stable head: nothing can still appear below it.
        position: The highest position that is recorded. Above the head while somebody holds that back.
        events: How many there are, or about how many.
        is_estimate: Whether ``events`` is about.
        holder: Who holds the head back.
        is_held_too_long: Whether that takes longer than FACTOS_MAX_HELD_SECONDS.
    """

    head: int
    position: int
    events: int
    is_estimate: bool
    holder: Holder | None
    is_held_too_long: bool


def log_status(using: str, *, at_most: int | None = None) -> LogStatus:
    """Return where the log of ``using`` stands; no more than ``at_most`` of its events are counted."""
    stable = head(using)  # first, so that it is no higher than what is asked for next
    position = Event.objects.using(using).aggregate(last=Max("position"))["last"] or 0
    events, is_estimate = _number_of_events(position, within(_COUNTED, at_most), using)
    holding = holder(using)
    return LogStatus(stable, position, events, is_estimate, holding, _is_too_long(holding))


def _is_too_long(holding: Holder | None) -> bool:
    return holding is not None and (holding.seconds or 0) > conf.MAX_HELD_SECONDS


def _number_of_events(position: int, most: int, using: str) -> tuple[int, bool]:
    """Return how many events there are, and whether that is an estimate; no slower for a longer log."""
    bounded = f"SELECT count(*) FROM (SELECT 1 FROM factos_event LIMIT {most + 1}) AS counted"
    counted = int(_value(bounded, using))
    if counted <= most:
        return counted, False
    guess = _value(_ESTIMATE, using) if connections[using].vendor == "postgresql" else None
    return max(counted, min(position if guess is None else int(guess), position)), True


def _value(sql: str, using: str) -> Any:
    with connections[using].cursor() as cursor:
        cursor.execute(sql)
        (value,) = cursor.fetchone()
    return value

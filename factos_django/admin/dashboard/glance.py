"""What the dashboard reads, each part only if somebody may see it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from factos_django.status import (
    EffectsStatus,
    LogStatus,
    ProjectionStatus,
    Rate,
    effects_status,
    log_status,
    projection_statuses,
    recent_rate,
    unknown_projections,
)
from factos_django.store import head

__all__ = ["Glance", "glance_at"]

#: So many are counted of anything (rows), and one more is read: more are more, and nobody waits for the page.
_AT_MOST = 999


@dataclass(frozen=True, slots=True)
class Glance:
    """The status of one database, as ``factos_status`` tells it; None for what may not be seen.

    Attributes:
        database: Its alias.
        log: Where the log stands.
        rate: How many facts were recorded in each of the last minutes.
        projections: Where each registered projection stands.
        unknown: The names of projections that are no longer registered, and have left a checkpoint.
        effects: What became of effects.
    """

    database: str
    log: LogStatus | None
    rate: Rate | None
    projections: tuple[ProjectionStatus, ...] | None
    unknown: tuple[str, ...]
    effects: EffectsStatus | None


def glance_at(using: str, views: Collection[str]) -> Glance:
    """Return what somebody with the permissions ``views`` may see of ``using``; nothing else is asked for."""
    sees_log, sees_projections = "view_event" in views, "view_projectionstate" in views
    log = log_status(using, at_most=_AT_MOST) if sees_log else None
    stable = head(using) if log is None and sees_projections else 0 if log is None else log.head
    return Glance(
        database=using,
        log=log,
        rate=recent_rate(using) if sees_log else None,
        projections=_projections(stable, using) if sees_projections else None,
        unknown=unknown_projections(using) if sees_projections else (),
        effects=effects_status(_AT_MOST, using, at_most=_AT_MOST) if "view_effect" in views else None,
    )


def _projections(head: int, using: str) -> tuple[ProjectionStatus, ...]:
    return projection_statuses(head, _AT_MOST, using, read_to=_AT_MOST + 1)

"""The log, its projections and its effects at a glance."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from factos_django.status.effects import EffectsStatus, effects_status
from factos_django.status.lag import COUNTED, within
from factos_django.status.log import LogStatus, log_status
from factos_django.status.projections import ProjectionStatus, projection_statuses, unknown_projections
from factos_django.store.database import database_for_writing

__all__ = ["Status", "status"]


@dataclass(frozen=True, slots=True)
class Status:
    """What is known of one database.

    Attributes:
        database: Its alias.
        log: Where the log stands.
        projections: Where each registered projection stands.
        unknown: The names of projections that are no longer registered, and have left a checkpoint.
        effects: What became of effects.
    """

    database: str
    log: LogStatus
    projections: tuple[ProjectionStatus, ...]
    unknown: tuple[str, ...]
    effects: EffectsStatus

    def as_data(self) -> dict[str, Any]:
        """Return it as plain data that has JSON: times are ISO 8601, ids are text."""
        return dict(_plain(asdict(self)))


def status(
    using: str | None = None,
    *,
    count_to: int = COUNTED,
    count_dead_to: int = COUNTED,
    at_most: int | None = None,
) -> Status:
    """Return the status of ``using`` (default: where events are written). It writes nothing.

    Of the events that a follower has not applied, it counts up to ``count_to``, and of the effects that are
    dead up to ``count_dead_to``, so that it takes no longer for a longer log. What the
    database refuses, it raises: an isolation at which there is no stable head, a standby, tables that were
    not migrated.

    Args:
        using: The alias of the database.
        count_to: So many events of a lag are counted.
        count_dead_to: So many dead effects are counted.
        at_most: No more than so many rows are counted of anything, for whoever cannot wait.
    """
    alias = database_for_writing(using)
    log = log_status(alias, at_most=at_most)
    projections = projection_statuses(log.head, within(count_to, at_most), alias, read_to=at_most)
    effects = effects_status(count_dead_to, alias, at_most=at_most)
    return Status(alias, log, projections, unknown_projections(alias), effects)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value

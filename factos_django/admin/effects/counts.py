"""How many effects are in each state, and which has been due for longest: as far as it is looked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from factos_django.models import Effect
from factos_django.workers.leases import database_now

__all__ = ["COUNTED", "Due", "StateCount", "oldest_due", "state_counts"]

#: No count looks at more (rows).
COUNTED = 1_000


@dataclass(frozen=True, slots=True)
class StateCount:
    """How many effects are in one state.

    Attributes:
        state: Its name as it is stored.
        label: Its name as it is shown.
        effects: How many; COUNTED, if there are more than that.
        is_more: Whether there are more.
    """

    state: str
    label: str
    effects: int
    is_more: bool


@dataclass(frozen=True, slots=True)
class Due:
    """An effect that is due.

    Attributes:
        id: That of its row.
        since: Since when.
        now: The time by the clock of the database.
        is_sure: Whether all that are unfinished were looked at, so that none has been due for longer.
    """

    id: int
    since: datetime
    now: datetime
    is_sure: bool


def state_counts(rows: QuerySet[Effect]) -> list[StateCount]:
    """Return how many of ``rows`` are in each state."""
    return [_count(rows, Effect.State(state)) for state in Effect.State.values]


def _count(rows: QuerySet[Effect], state: Effect.State) -> StateCount:
    # In the order of the index: a planner that takes the state for a common one would walk the table.
    number = rows.filter(state=state).order_by("finished_at")[: COUNTED + 1].count()
    return StateCount(state.value, str(state.label), min(number, COUNTED), number > COUNTED)


def oldest_due(rows: QuerySet[Effect], using: str) -> Due | None:
    """Return which of ``rows`` has been due for longest, of those that are to be published next."""
    next_ones = rows.filter(publish_at__isnull=False).order_by("publish_at")
    looked_at = list(next_ones.values_list("available_at", "pk")[:COUNTED])
    now = database_now(using)
    due = [each for each in looked_at if each[0] <= now]
    if not due:
        return None
    since, id = min(due)
    return Due(id, since, now, is_sure=len(looked_at) < COUNTED)

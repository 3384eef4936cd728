"""Append conditions: what must not have happened since the context was read."""

from __future__ import annotations

from dataclasses import dataclass

from factos_django.core.errors import FactosError, InvalidQuery
from factos_django.core.position import checked_position
from factos_django.core.query import Query

__all__ = ["AppendCondition", "AppendConditionFailed"]


@dataclass(frozen=True, slots=True)
class AppendCondition:
    """Refuse the append if an event that matches the query stands after ``after``.

    ``after`` is the position of a context from ``read_context``, of the last event that ``read`` gave
    for this query, or of an append accepted under it; None means from the beginning. It may not come
    from a blind append, nor from ``head()``: facts can lie below those that were never seen.
    """

    fail_if_events_match: Query
    after: int | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.fail_if_events_match, Query):
            raise InvalidQuery(reason="fail_if_events_match is a Query")
        if self.after is not None:
            checked_position(self.after)


class AppendConditionFailed(FactosError):
    """The context moved: a matching event was recorded (position {positions}).

    Read the context again and decide again.
    """

    condition: AppendCondition
    #: The lowest positions of the events that failed the condition, ascending, at most 100.
    positions: tuple[int, ...]

"""Reading the log as it is stored: no class of the application is asked what a fact means.

For whoever reads facts in another language, or of types that this code does not know. ``read`` gives the
application's events.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from factos_django.core.position import checked_position
from factos_django.core.query import Query
from factos_django.store.database import database_for_writing
from factos_django.store.heads import head
from factos_django.store.matching import Slice, checked_query
from factos_django.store.narrowing import narrowest_first
from factos_django.store.rows import EventRow, select_by_positions, select_matching

__all__ = ["Page", "stored_event", "stored_page", "types_at"]


@dataclass(frozen=True, slots=True)
class Page:
    """Some facts of a query.

    Attributes:
        events: As they are stored, in order.
        head: The stable head that they were read below. Up to it nothing can still appear.
    """

    events: tuple[EventRow, ...]
    head: int


def stored_page(
    query: Query,
    *,
    after: int = 0,
    before: int | None = None,
    limit: int,
    backwards: bool = False,
    using: str | None = None,
) -> Page:
    """Return the facts that match ``query``, up to the head.

    Args:
        query: Which facts.
        after: Only those above this position.
        before: Only those below this position.
        limit: At most so many (rows), 1 or more.
        backwards: From the highest position down.
        using: The alias of the database.
    """
    alias = database_for_writing(using)
    query = narrowest_first(checked_query(query), alias)
    known = head(alias)
    upto = known if before is None else min(known, checked_position(before) - 1)
    part = Slice(after=checked_position(after), upto=upto, limit=limit, backwards=backwards)
    return Page(tuple(map(EventRow._make, select_matching(query, part, alias))), known)


def stored_event(position: int, *, using: str | None = None) -> EventRow | None:
    """Return the fact at ``position``, or None. It may lie above the head."""
    rows = select_by_positions([checked_position(position)], database_for_writing(using))
    return EventRow._make(rows[0]) if rows else None


def types_at(positions: Sequence[int], *, using: str | None = None) -> dict[int, str]:
    """Return the types of the facts at ``positions``."""
    rows = map(EventRow._make, select_by_positions(positions, database_for_writing(using)))
    return {row.position: row.type for row in rows}

"""Reading the log as it is stored: no class of the application is asked what a fact means.

For whoever reads facts in another language, or of types that this code does not know. ``read`` gives the
application's events.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connections

from factos_django.core.errors import ContextTooLarge
from factos_django.core.position import checked_position
from factos_django.core.query import Query
from factos_django.store.contexts import guarded_rows
from factos_django.store.database import database_for_writing
from factos_django.store.filters import Filters, filtered
from factos_django.store.heads import head
from factos_django.store.matching import Slice, checked_query
from factos_django.store.narrowing import narrowest_first
from factos_django.store.rows import EventRow, select_by_positions, select_matching

__all__ = [
    "Filters",
    "Page",
    "StoredContext",
    "stored_context",
    "stored_event",
    "stored_page",
    "types_at",
]


_NO_FILTERS = Filters()


@dataclass(frozen=True, slots=True)
class Page:
    """Some facts of a query.

    Attributes:
        events: As they are stored, in order.
        head: The stable head that they were read below. Up to it nothing can still appear.
        is_cut: There are more, which the limit left out.
    """

    events: tuple[EventRow, ...]
    head: int
    is_cut: bool = False


@dataclass(frozen=True, slots=True)
class StoredContext:
    """What a query matches, everything that was committed when it was read.

    Attributes:
        events: As they are stored, in order.
        after: For the condition of an append that is decided from them.
        last: The position of the last fact that matches, among ``events`` or before them; 0 for none.
    """

    events: tuple[EventRow, ...]
    after: int
    last: int


def stored_page(
    query: Query,
    *,
    after: int = 0,
    before: int | None = None,
    limit: int,
    backwards: bool = False,
    filters: Filters = _NO_FILTERS,
    using: str | None = None,
) -> Page:
    """Return the facts that match ``query``, up to the head.

    Args:
        query: Which facts.
        after: Only those above this position.
        before: Only those below this position.
        limit: At most so many (rows), 1 or more.
        backwards: From the highest position down.
        filters: What they must meet, too.
        using: The alias of the database.
    """
    alias = database_for_writing(using)
    query = narrowest_first(checked_query(query), alias)
    known = head(alias)
    upto = known if before is None else min(known, checked_position(before) - 1)
    part = Slice(
        after=checked_position(after),
        upto=upto,
        limit=limit + 1,
        backwards=backwards,
        is_closed=before is not None,
        by_type=True,
        as_ranges=connections[alias].vendor == "mysql",
    )
    part = filtered(part, filters, query, alias)
    rows = select_matching(query, part, alias)
    return Page(tuple(map(EventRow._make, rows[:limit])), known, is_cut=len(rows) > limit)


def stored_context(query: Query, *, after: int = 0, limit: int, using: str | None = None) -> StoredContext:
    """Return what the log holds for ``query``, read under its guards as by ``read_context``.

    Args:
        query: The facts that can change the answer.
        after: Only those above this position: the caller knows the others.
        limit: There may be so many (rows).
        using: The alias of the database.

    Raises:
        ContextTooLarge: There are more. No more than one of them too many was read.
    """
    alias = database_for_writing(using)
    rows = guarded_rows(query, alias, after=checked_position(after), most=limit + 1)
    if len(rows) > limit:
        raise ContextTooLarge(limit=limit)
    last = rows[-1][0] if rows else _last(query, after, alias)
    return StoredContext(tuple(map(EventRow._make, rows)), max(after, last), last)


def _last(query: Query, upto: int, using: str) -> int:
    """Return the position of the last fact up to ``upto`` that matches."""
    is_mariadb = connections[using].vendor == "mysql"
    part = Slice(upto=upto, limit=1, backwards=True, by_type=True, as_ranges=is_mariadb)
    rows = select_matching(narrowest_first(query, using), part, using) if upto else []
    return int(rows[0][0]) if rows else 0


def stored_event(position: int, *, using: str | None = None) -> EventRow | None:
    """Return the fact at ``position``, or None. It may lie above the head."""
    rows = select_by_positions([checked_position(position)], database_for_writing(using))
    return EventRow._make(rows[0]) if rows else None


def types_at(positions: Sequence[int], *, using: str | None = None) -> dict[int, str]:
    """Return the types of the facts at ``positions``."""
    rows = map(EventRow._make, select_by_positions(positions, database_for_writing(using)))
    return {row.position: row.type for row in rows}

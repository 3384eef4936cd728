"""Reading the log as it is stored: no class of the application is asked what a fact means.

For whoever reads facts in another language, or of types that this code does not know. ``read`` gives the
application's events.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import connections

from factos_django.core.errors import ContextTooLarge
from factos_django.core.position import checked_position
from factos_django.core.query import Query
from factos_django.store.contexts import guarded_rows
from factos_django.store.database import database_for_writing
from factos_django.store.filters import Filters, filtered, within_period
from factos_django.store.heads import head, highest_position
from factos_django.store.looking import sight
from factos_django.store.matching import Slice, checked_query
from factos_django.store.narrowing import narrowest_first
from factos_django.store.rows import (
    EventRow,
    Row,
    select_by_id,
    select_by_positions,
    select_found,
    select_matching,
)

__all__ = [
    "Filters",
    "Page",
    "StoredContext",
    "stored_by_id",
    "stored_context",
    "stored_decision",
    "stored_event",
    "stored_page",
    "types_at",
]


_NO_FILTERS = Filters()

#: After a bounded look that finds nothing comes another, so many in all: fewer empty pages are turned.
_LOOKS = 5

_DECISION = "SELECT decision FROM factos_event WHERE position = %s"


@dataclass(frozen=True, slots=True)
class Page:
    """Some facts of a query.

    Attributes:
        events: As they are stored, in order.
        head: The stable head that they were read below. Up to it nothing can still appear.
        is_cut: There are more, which the limit left out.
        looked_to: All up to this position was looked at, itself included, nothing beyond it, and there may be
            more: who goes on reads from there. None where all was looked at, or the limit came first.
    """

    events: tuple[EventRow, ...]
    head: int
    is_cut: bool = False
    looked_to: int | None = None


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
    beyond_head: bool = False,
    most_looked_at: int | None = None,
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
        beyond_head: Those, too, that are committed above the head. Others may still appear among them, so
            this is for whoever looks, and not for whoever goes on from a position.
        most_looked_at: Look at so many rows at most (entries of one index, or of several together) that may
            match, and do not, and at as many more a few times while nothing is found. The page may end before
            its limit, and tells by ``looked_to`` where. None: look at all.
        using: The alias of the database.
    """
    alias = database_for_writing(using)
    checked_query(query)
    known = head(alias)
    end = highest_position(alias) if beyond_head else known
    upto = end if before is None else min(end, checked_position(before) - 1)
    part = Slice(
        after=checked_position(after),
        upto=upto,
        limit=limit + 1,
        backwards=backwards,
        is_closed=before is not None,
        by_type=True,
        as_ranges=connections[alias].vendor == "mysql",
    )
    rows, looked_to = _rows(query, part, filters, most_looked_at, alias)
    is_cut = len(rows) > limit
    found = tuple(map(EventRow._make, rows[:limit]))
    return Page(found, known, is_cut, None if is_cut else looked_to)


def _rows(
    query: Query, part: Slice, filters: Filters, most: int | None, using: str
) -> tuple[list[Row], int | None]:
    """Return the rows of ``part``, and the position that it was not looked beyond, if it was not."""
    if most is None:
        query = narrowest_first(query, using)
        return select_matching(query, filtered(part, filters, query, using), using), None
    return _looked(query, within_period(part, filters, using), filters, most, using)


def _looked(
    query: Query, part: Slice, filters: Filters, most: int, using: str
) -> tuple[list[Row], int | None]:
    """Return what is found; after a look that finds nothing, go on from where it ended."""
    for _ in range(_LOOKS):
        seen = sight(query, part, filters, most, using)
        rows = select_found(seen.positions, part, using)
        if rows or seen.looked_to is None:
            break
        part = part.beyond(seen.looked_to)
    return rows, seen.looked_to


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


def stored_by_id(ids: Sequence[UUID], *, using: str | None = None) -> list[EventRow]:
    """Return the facts that have one of ``ids``, in no order. They may lie above the head."""
    return select_by_id(ids, database_for_writing(using))


def stored_decision(position: int, *, using: str | None = None) -> str | None:
    """Return what the decision behind the fact at ``position`` saw, as the JSON text that is stored.

    None after a plain append, and where no fact is.
    """
    with connections[database_for_writing(using)].cursor() as cursor:
        cursor.execute(_DECISION, [checked_position(position)])
        row = cursor.fetchone()
    return None if row is None or row[0] is None else str(row[0])


def types_at(positions: Sequence[int], *, using: str | None = None) -> dict[int, str]:
    """Return the types of the facts at ``positions``."""
    rows = map(EventRow._make, select_by_positions(positions, database_for_writing(using)))
    return {row.position: row.type for row in rows}

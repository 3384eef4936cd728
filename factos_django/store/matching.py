"""Queries as SQL: from a Query to the positions of the events that match it.

Each item reads one index: that of tags where it names tags, starting from its first one, else that
of types. Each branch is bounded by itself, so that a page of a long result costs a page.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from factos_django.conf import conf
from factos_django.core.errors import InvalidQuery
from factos_django.core.query import Query, QueryItem

__all__ = ["Slice", "checked_query", "matching_events", "matching_positions"]


@dataclass(frozen=True, slots=True)
class Slice:
    """Which part of a result is wanted: positions in (after, upto], at most ``limit``, from one end."""

    after: int = 0
    upto: int | None = None
    limit: int | None = None
    backwards: bool = False

    def holds(self, position: int) -> bool:
        """Tell whether ``position`` is in it, the limit aside."""
        return self.after < position and (self.upto is None or position <= self.upto)


# One probe of an index for each row that the first tag gives. The LIMIT keeps PostgreSQL from making a
# join of it: to plan the joins of a long query took longer than to run them.
_HAS_TAG = (
    "EXISTS (SELECT 1 FROM factos_tag o WHERE o.value = %s AND o.type = t.type "
    "AND o.event_id = t.event_id LIMIT 1 OFFSET 0)"
)

Fragment = tuple[str, list[Any]]


def checked_query(query: object) -> Query:
    """Return ``query`` if it is one of at most FACTOS_MAX_QUERY_ITEMS items; raise InvalidQuery."""
    if not isinstance(query, Query):
        raise InvalidQuery(reason=f"a Query is wanted, not {type(query).__name__}")
    if len(query.items) > conf.MAX_QUERY_ITEMS:
        reason = f"it has {len(query.items)} items; FACTOS_MAX_QUERY_ITEMS is {conf.MAX_QUERY_ITEMS}"
        raise InvalidQuery(reason=reason)
    if most := max((len(item.tags) for item in query.items if len(item.tags) > conf.MAX_TAGS), default=0):
        raise InvalidQuery(reason=f"an item has {most} tags; FACTOS_MAX_TAGS is {conf.MAX_TAGS}")
    return query


def matching_events(query: Query, part: Slice) -> Fragment:
    """Return what follows FROM in a SELECT of ``part``, in order, over the event table as ``e``.

    Where ``part`` has a limit, what is beyond its far end can be among the rows.
    """
    order = f"ORDER BY e.position {'DESC' if part.backwards else 'ASC'}"
    if query.everything or (len(query.items) == 1 and not query.items[0].tags):
        # The table itself: to look up each position again took longer than to read its row.
        where, parameters = ("", []) if query.everything else _types("e.type", query.items[0])
        return _bounded("factos_event e", "e.position", [where], parameters, part, order)
    positions, parameters = matching_positions(query, part)
    if part.limit is not None:
        order, parameters = f"{order} LIMIT %s", [*parameters, part.limit]
    return (
        f"({positions}) AS matching JOIN factos_event e ON e.position = matching.position {order}",
        parameters,
    )


def matching_positions(query: Query, part: Slice) -> Fragment:
    """Return SQL and parameters of a SELECT of the column ``position``, each position once, unordered."""
    if query.everything:
        return _bounded("SELECT position FROM factos_event", "position", [], [], part)
    branches = [_item(item, part) for item in query.items]
    sql = " UNION ".join(f"SELECT position FROM ({sql}) AS b{n}" for n, (sql, _) in enumerate(branches))
    return sql, [parameter for _, parameters in branches for parameter in parameters]


def _item(item: QueryItem, part: Slice) -> Fragment:
    if not item.tags:
        where, parameters = _types("type", item)
        return _bounded("SELECT position FROM factos_event", "position", [where], parameters, part)
    where, types = _types("t.type", item)
    others = [_HAS_TAG] * (len(item.tags) - 1)
    parameters = [item.tags[0], *types, *item.tags[1:]]
    select = "SELECT t.event_id AS position FROM factos_tag t"
    return _bounded(select, "t.event_id", ["t.value = %s", where, *others], parameters, part)


def _types(column: str, item: QueryItem) -> Fragment:
    if not item.types:
        return "", []
    return f"{column} IN ({', '.join(['%s'] * len(item.types))})", list(item.types)


def _bounded(
    select: str, column: str, where: list[str], parameters: list[Any], part: Slice, order: str = ""
) -> Fragment:
    bounds = {f"{column} > %s": part.after, f"{column} <= %s": part.upto}
    if part.limit is not None:
        # Only the bound that it starts from: of a range PostgreSQL guesses that it holds next to nothing, and
        # sorts it whole for each page.
        del bounds[f"{column} > %s" if part.backwards else f"{column} <= %s"]
    known = {bound: position for bound, position in bounds.items() if position is not None}
    where, parameters = [*filter(None, where), *known], [*parameters, *known.values()]
    sql = f"{select} WHERE {' AND '.join(where)}" if where else select
    if part.limit is not None:
        order = order or f"ORDER BY {column} {'DESC' if part.backwards else 'ASC'}"
        return f"{sql} {order} LIMIT %s", [*parameters, part.limit]
    return f"{sql} {order}", parameters

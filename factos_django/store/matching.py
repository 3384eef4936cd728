"""Queries as SQL: from a Query to the positions of the events that match it.

Each item reads one index: that of tags where it names tags, starting from its first one, else that
of types. Each branch is bounded by itself, so that a page of a long result costs a page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from factos_django.conf import conf
from factos_django.core.errors import InvalidQuery
from factos_django.core.query import Query, QueryItem

__all__ = ["Slice", "checked_query", "matching_events", "matching_positions"]


#: SQL and its parameters.
Fragment: TypeAlias = tuple[str, list[Any]]

#: The types that one query may name (types): SQLite takes 32,766 parameters a statement, and each of them
#: may be several.
MOST_TYPES = 1000

#: Branches of one item (types): SQLite takes at most 500 terms of a compound SELECT.
_MOST_BRANCHES = 100


@dataclass(frozen=True, slots=True)
class Slice:
    """Which part of a result is wanted: positions in (after, upto], at most ``limit``, from one end.

    Attributes:
        after: Above this position.
        upto: Up to this position.
        limit: At most so many (rows).
        backwards: From the highest position down.
        is_closed: Do not look beyond the far end, where next to nothing between the ends may match.
        only: What a row ``e`` of the event table must meet, too.
        by_rows: Start from the rows that meet ``only``, by an index of theirs, and not from tags and types.
        by_type: Read each type of an item by itself: an index gives the positions of one type in order, and
            not those of two. Who reads on through the log does without, and takes the rows as they come.
    """

    after: int = 0
    upto: int | None = None
    limit: int | None = None
    backwards: bool = False
    is_closed: bool = False
    only: tuple[Fragment, ...] = ()
    by_rows: bool = False
    by_type: bool = False

    def holds(self, position: int) -> bool:
        """Tell whether ``position`` is in it, the limit aside."""
        return self.after < position and (self.upto is None or position <= self.upto)


# One probe of an index for each row that was found so far. The LIMIT keeps PostgreSQL from making a
# join of it: to plan the joins of a long query took longer than to run them.
_HAS_TAG = (
    "EXISTS (SELECT 1 FROM factos_tag o WHERE o.value = %s AND o.type = {row}.type "
    "AND o.event_id = {position} LIMIT 1 OFFSET 0)"
)

# The same for what the row of the event must meet.
_ROW_MEETS = "EXISTS (SELECT 1 FROM factos_event e WHERE e.position = t.event_id AND {only} LIMIT 1 OFFSET 0)"


def checked_query(query: object) -> Query:
    """Return ``query`` if it is one of at most FACTOS_MAX_QUERY_ITEMS items; raise InvalidQuery."""
    if not isinstance(query, Query):
        raise InvalidQuery(reason=f"a Query is wanted, not {type(query).__name__}")
    if len(query.items) > conf.MAX_QUERY_ITEMS:
        reason = f"it has {len(query.items)} items; FACTOS_MAX_QUERY_ITEMS is {conf.MAX_QUERY_ITEMS}"
        raise InvalidQuery(reason=reason)
    if most := max((len(item.tags) for item in query.items if len(item.tags) > conf.MAX_TAGS), default=0):
        raise InvalidQuery(reason=f"an item has {most} tags; FACTOS_MAX_TAGS is {conf.MAX_TAGS}")
    if (types := sum(len(item.types) for item in query.items)) > MOST_TYPES:
        raise InvalidQuery(reason=f"it names {types} types; at most {MOST_TYPES} are asked for at once")
    return query


def matching_events(query: Query, part: Slice) -> Fragment:
    """Return what follows FROM in a SELECT of ``part``, in order, over the event table as ``e``.

    Where ``part`` has a limit, what is beyond its far end can be among the rows.
    """
    order = f"ORDER BY e.position {'DESC' if part.backwards else 'ASC'}"
    if query.everything or part.by_rows or _is_of_rows(query, part):
        # The table itself: to look up each position again took longer than to read its row.
        where, parameters = ("", []) if query.everything else _row_matches(query)
        return _bounded("factos_event e", "e.position", [where], parameters, part, order, part.only)
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
        return _bounded("SELECT position FROM factos_event e", "position", [], [], part, only=part.only)
    branches = [_item(item, part) for item in query.items]
    sql = " UNION ".join(f"SELECT position FROM ({sql}) AS b{n}" for n, (sql, _) in enumerate(branches))
    return sql, [parameter for _, parameters in branches for parameter in parameters]


def _is_of_rows(query: Query, part: Slice) -> bool:
    """Tell whether the rows of events say by themselves which of them match, and in order."""
    first, *others = query.items
    return not others and not first.tags and not (part.by_type and len(first.types) > 1)


def _row_matches(query: Query) -> Fragment:
    """Return what a row ``e`` of the event table meets if it matches one of the items."""
    conditions, parameters = [], []
    for item in query.items:
        where, types = _types("e.type", item)
        has_tags = [_HAS_TAG.format(row="e", position="e.position")] * len(item.tags)
        conditions.append(" AND ".join(filter(None, [where, *has_tags])))
        parameters += [*types, *item.tags]
    return f"({' OR '.join(f'({each})' for each in conditions)})", parameters


def _item(item: QueryItem, part: Slice) -> Fragment:
    if not part.by_type or not 1 < len(item.types) <= _MOST_BRANCHES:
        return _branch(item, part)
    branches = [_branch(QueryItem([each], item.tags), part) for each in item.types]
    sql = " UNION ALL ".join(f"SELECT position FROM ({sql}) AS t{n}" for n, (sql, _) in enumerate(branches))
    return sql, [parameter for _, parameters in branches for parameter in parameters]


def _branch(item: QueryItem, part: Slice) -> Fragment:
    if not item.tags:
        where, parameters = _types("e.type", item)
        select = "SELECT e.position FROM factos_event e"
        return _bounded(select, "e.position", [where], parameters, part, only=part.only)
    where, types = _types("t.type", item)
    others = [_HAS_TAG.format(row="t", position="t.event_id")] * (len(item.tags) - 1)
    parameters = [item.tags[0], *types, *item.tags[1:]]
    meets = [(_ROW_MEETS.format(only=sql), given) for sql, given in part.only]
    select = "SELECT t.event_id AS position FROM factos_tag t"
    return _bounded(select, "t.event_id", ["t.value = %s", where, *others], parameters, part, only=meets)


def _types(column: str, item: QueryItem) -> Fragment:
    if not item.types:
        return "", []
    return f"{column} IN ({', '.join(['%s'] * len(item.types))})", list(item.types)


def _bounded(
    select: str,
    column: str,
    where: list[str],
    parameters: list[Any],
    part: Slice,
    order: str = "",
    only: Sequence[Fragment] = (),
) -> Fragment:
    bounds = {f"{column} > %s": part.after, f"{column} <= %s": part.upto}
    if part.limit is not None and not part.is_closed:
        # Only the bound that it starts from: of a range PostgreSQL guesses that it holds next to nothing, and
        # sorts it whole for each page.
        del bounds[f"{column} > %s" if part.backwards else f"{column} <= %s"]
    known = {bound: position for bound, position in bounds.items() if position is not None}
    where = [*filter(None, where), *(sql for sql, _ in only), *known]
    parameters = [*parameters, *(each for _, given in only for each in given), *known.values()]
    sql = f"{select} WHERE {' AND '.join(where)}" if where else select
    if part.limit is not None:
        order = order or f"ORDER BY {column} {'DESC' if part.backwards else 'ASC'}"
        return f"{sql} {order} LIMIT %s", [*parameters, part.limit]
    return f"{sql} {order}", parameters

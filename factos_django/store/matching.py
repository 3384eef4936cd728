"""Queries as SQL: from a Query to the positions of the events that match it.

Each item reads one index: that of tags where it names tags, starting from its first one, else that
of types. Each branch is bounded by itself, so that a page of a long result costs a page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from factos_django.conf import conf
from factos_django.core.errors import InvalidQuery
from factos_django.core.query import Query, QueryItem

__all__ = [
    "Fragment",
    "Slice",
    "checked_query",
    "have_tags",
    "matches_items",
    "matching_events",
    "matching_positions",
]


#: SQL and its parameters.
Fragment: TypeAlias = tuple[str, list[Any]]

#: The types that one query may name (types): SQLite takes 32,766 parameters a statement, and each of them
#: may be several.
MOST_TYPES = 1000

#: Types that are read each by itself, of one query: to plan more branches takes longer than to run them.
_MOST_BRANCHES = 100
#: Further tags that are looked up each by itself, the rarest first; more of them are counted at once, for a
#: query of a hundred items of as many tags would be planned for minutes.
_MOST_LOOK_UPS = 4


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
        row_order: What that index begins with, where the database has to be told to go by it.
        as_ranges: Write equalities as ranges, and order by their columns, too. MariaDB would read an index
            from the first entry of a value on, and not from the position where a page begins.
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
    row_order: str = ""
    as_ranges: bool = False
    by_type: bool = False

    def holds(self, position: int) -> bool:
        """Tell whether ``position`` is in it, the limit aside."""
        return self.after < position and (self.upto is None or position <= self.upto)

    def beyond(self, position: int) -> Slice:
        """Return what is left of it for who read it up to ``position``, from the end that it is read from."""
        if self.backwards:
            return replace(self, upto=position - 1)
        return replace(self, after=position)


# One probe of an index for each row that was found so far. The LIMIT keeps PostgreSQL from making a
# join of it: to plan the joins of a long query took longer than to run them.
_HAS_TAG = (
    "EXISTS (SELECT 1 FROM factos_tag o WHERE o.value = %s{same_type} "
    "AND o.event_id = {position} LIMIT 1 OFFSET 0)"
)

_HAS_TAGS = (
    "(SELECT count(*) FROM factos_tag o WHERE o.value IN ({values}){same_type} "
    "AND o.event_id = {position}) = {count}"
)
_SAME_TYPE = " AND o.type = {row}.type"

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
    if query.everything or part.by_rows or _is_of_rows(query, part):
        # The table itself: to look up each position again took longer than to read its row.
        (where, parameters), by = _row_matches(query, part)
        order = _order([*by, "e.position"], part)
        return _bounded("factos_event e", "e.position", [where], parameters, part, order, part.only)
    positions, parameters = matching_positions(query, part)
    order = _order(["e.position"], part)
    if part.limit is not None:
        order, parameters = f"{order} LIMIT %s", [*parameters, part.limit]
    return (
        f"({positions}) AS matching JOIN factos_event e ON e.position = matching.position {order}",
        parameters,
    )


def matching_positions(query: Query, part: Slice) -> Fragment:
    """Return SQL and parameters of a SELECT of the column ``position``, each position once, unordered."""
    if query.everything:
        select, order = "SELECT position FROM factos_event e", _order(["position"], part)
        return _bounded(select, "position", [], [], part, order, part.only)
    if sum(len(item.types) for item in query.items) > _MOST_BRANCHES:
        part = replace(part, by_type=False)
    branches = [_item(item, part) for item in query.items]
    sql = " UNION ".join(f"SELECT position FROM ({sql}) AS b{n}" for n, (sql, _) in enumerate(branches))
    return sql, [parameter for _, parameters in branches for parameter in parameters]


def _is_of_rows(query: Query, part: Slice) -> bool:
    """Tell whether the rows of events say by themselves which of them match, and in order."""
    first, *others = query.items
    return not others and not first.tags and not (part.by_type and len(first.types) > 1)


def _row_matches(query: Query, part: Slice) -> tuple[Fragment, list[str]]:
    """Return what a row ``e`` of the event table meets if it matches, and what to order by first."""
    if query.everything or part.by_rows:
        by = [part.row_order] if part.by_rows and part.row_order else []
        return ("", []) if query.everything else matches_items(query), by
    return _one_of("e.type", query.items[0].types, part)


def matches_items(query: Query) -> Fragment:
    """Return that a row ``e`` of the event table matches one of the items of ``query``."""
    conditions, parameters = [], []
    for item in query.items:
        (where, types), _ = _one_of("e.type", item.types, Slice())
        has_tags = have_tags(len(item.tags), row="e", position="e.position")
        conditions.append(" AND ".join(filter(None, [where, *has_tags])))
        parameters += [*types, *item.tags]
    return f"({' OR '.join(f'({each})' for each in conditions)})", parameters


def _item(item: QueryItem, part: Slice) -> Fragment:
    if not part.by_type or len(item.types) < 2:
        return _branch(item, part)
    branches = [_branch(QueryItem([each], item.tags), part) for each in item.types]
    sql = " UNION ALL ".join(f"SELECT position FROM ({sql}) AS t{n}" for n, (sql, _) in enumerate(branches))
    return sql, [parameter for _, parameters in branches for parameter in parameters]


def _branch(item: QueryItem, part: Slice) -> Fragment:
    if not item.tags:
        (where, parameters), by = _one_of("e.type", item.types, part)
        select, order = "SELECT e.position FROM factos_event e", _order([*by, "e.position"], part)
        return _bounded(select, "e.position", [where], parameters, part, order, part.only)
    (value, tag), by_value = _one_of("t.value", item.tags[:1], part)
    (where, types), by_type = _one_of("t.type", item.types, part)
    others = have_tags(len(item.tags) - 1, row="t", position="t.event_id")
    parameters = [*tag, *types, *item.tags[1:]]
    meets = [(_ROW_MEETS.format(only=sql), given) for sql, given in part.only]
    select = "SELECT t.event_id AS position FROM factos_tag t"
    order = _order([*by_value, *by_type, "t.event_id"], part)
    return _bounded(select, "t.event_id", [value, where, *others], parameters, part, order, meets)


def have_tags(count: int, *, position: str, row: str = "") -> list[str]:
    """Return the conditions that an event carries ``count`` tags, which are their parameters.

    Args:
        count: How many tags.
        position: Where it stands, as SQL.
        row: The alias of a row that has its type, too.
    """
    same_type = _SAME_TYPE.format(row=row) if row else ""
    if count <= _MOST_LOOK_UPS:
        return [_HAS_TAG.format(same_type=same_type, position=position)] * count
    values = ", ".join(["%s"] * count)
    return [_HAS_TAGS.format(same_type=same_type, position=position, values=values, count=count)]


def _one_of(column: str, values: Sequence[str], part: Slice) -> tuple[Fragment, list[str]]:
    """Return that ``column`` is one of ``values``, if there are any, and what to order by first."""
    if part.as_ranges and part.limit is not None and len(values) == 1:
        return (f"{column} >= %s AND {column} <= %s", [*values, *values]), [column]
    if not values:
        return ("", []), []
    sql = f"{column} = %s" if len(values) == 1 else f"{column} IN ({', '.join(['%s'] * len(values))})"
    return (sql, list(values)), []


def _order(columns: Sequence[str], part: Slice) -> str:
    direction = "DESC" if part.backwards else "ASC"
    return f"ORDER BY {', '.join(f'{column} {direction}' for column in columns)}"


def _bounded(
    select: str,
    column: str,
    where: list[str],
    parameters: list[Any],
    part: Slice,
    order: str,
    only: Sequence[Fragment],
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
        return f"{sql} {order} LIMIT %s", [*parameters, part.limit]
    return f"{sql} {order}", parameters

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

__all__ = ["Slice", "checked_query", "matching_positions"]


@dataclass(frozen=True, slots=True)
class Slice:
    """Which part of a result is wanted: positions in (after, upto], at most ``limit``, from one end."""

    after: int = 0
    upto: int | None = None
    limit: int | None = None
    backwards: bool = False


Fragment = tuple[str, list[Any]]


def checked_query(query: object) -> Query:
    """Return ``query`` if it is one of at most FACTOS_MAX_QUERY_ITEMS items; raise InvalidQuery."""
    if not isinstance(query, Query):
        raise InvalidQuery(reason=f"a Query is wanted, not {type(query).__name__}")
    if len(query.items) > conf.MAX_QUERY_ITEMS:
        reason = f"it has {len(query.items)} items; FACTOS_MAX_QUERY_ITEMS is {conf.MAX_QUERY_ITEMS}"
        raise InvalidQuery(reason=reason)
    return query


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
    joins = "".join(
        f" JOIN factos_tag t{n} ON t{n}.value = %s AND t{n}.type = t0.type AND t{n}.event_id = t0.event_id"
        for n in range(1, len(item.tags))
    )
    where, types = _types("t0.type", item)
    parameters = [*item.tags[1:], item.tags[0], *types]
    select = f"SELECT t0.event_id AS position FROM factos_tag t0{joins}"
    return _bounded(select, "t0.event_id", ["t0.value = %s", where], parameters, part)


def _types(column: str, item: QueryItem) -> Fragment:
    if not item.types:
        return "", []
    return f"{column} IN ({', '.join(['%s'] * len(item.types))})", list(item.types)


def _bounded(select: str, column: str, where: list[str], parameters: list[Any], part: Slice) -> Fragment:
    where = [*filter(None, where), f"{column} > %s"]
    parameters = [*parameters, part.after]
    if part.upto is not None:
        where, parameters = [*where, f"{column} <= %s"], [*parameters, part.upto]
    sql = f"{select} WHERE {' AND '.join(where)}"
    if part.limit is not None:
        direction = "DESC" if part.backwards else "ASC"
        sql, parameters = f"{sql} ORDER BY {column} {direction} LIMIT %s", [*parameters, part.limit]
    return sql, parameters

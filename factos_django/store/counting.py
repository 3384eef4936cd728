"""How many facts match a query, as far as a bounded look tells."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connections

from factos_django.core.query import Query
from factos_django.store.database import database_for_writing
from factos_django.store.filters import Filters
from factos_django.store.heads import highest_position
from factos_django.store.looking import sight
from factos_django.store.matching import Slice, checked_query

__all__ = ["Count", "count_matching"]

#: What is looked at (rows of an index).
_LOOKED_AT = 400

_NO_FILTERS = Filters()


@dataclass(frozen=True, slots=True)
class Count:
    """How many facts match.

    Attributes:
        count: So many were found.
        is_more: There are more than these.
        is_exact: There are these and no others. Where it is False and ``is_more`` is, too, there may be more:
            it was not looked at all of them.
    """

    count: int
    is_more: bool
    is_exact: bool


def count_matching(query: Query, most: int, *, using: str | None = None) -> Count:
    """Return how many facts match ``query``, those above the head included, and no more than ``most``.

    It begins with the newest, and looks at so many rows at most: ``most``, or 400 where that is less.

    Args:
        query: Which facts.
        most: Count no further than this (facts), 1 or more.
        using: The alias of the database.
    """
    alias = database_for_writing(using)
    part = Slice(upto=highest_position(alias), limit=most + 1, backwards=True)
    seen = sight(checked_query(query), part, _NO_FILTERS, max(most, _LOOKED_AT), alias)
    sql, parameters = seen.positions
    counted = f"SELECT count(*) FROM (SELECT position FROM ({sql}) AS found LIMIT %s) AS few"
    with connections[alias].cursor() as cursor:
        cursor.execute(counted, [*parameters, part.limit])
        (found,) = cursor.fetchone()
    is_more = found > most
    return Count(min(found, most), is_more, not is_more and seen.looked_to is None)

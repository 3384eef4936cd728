"""Which tag of an item to start from: the one that the fewest events carry.

``read`` starts from the first tag of each item, as every reading does on SQLite and MariaDB. Any of them is
right; a rare one is read sooner. (Under the guard ``tags`` PostgreSQL's own functions choose the tag that is
locked.)
"""

from __future__ import annotations

from django.db import connections

from factos_django.core.query import Query, QueryItem
from factos_django.store.transactions import explaining

__all__ = ["BROAD", "narrowest_first"]

#: Tags with so many events (rows) or more count as equally broad: nobody waits for a longer count.
BROAD = 1000
#: SQLite takes at most 500 terms of a compound SELECT.
_AT_ONCE = 400

_COUNT = "SELECT count(*) FROM (SELECT 1 FROM factos_tag WHERE value = %s LIMIT {most}) AS t{n}"


def narrowest_first(query: Query, using: str) -> Query:
    """Return ``query`` with the rarest tag of each item first; it means the same.

    It asks the database only where an item has several tags. The answer may be out of date at once,
    which costs waiting and is never wrong.
    """
    if all(len(item.tags) < 2 for item in query.items):
        return query
    tags = sorted({tag for item in query.items if len(item.tags) > 1 for tag in item.tags})
    counts: dict[str, int] = {}
    for start in range(0, len(tags), _AT_ONCE):
        counts |= _counts(tags[start : start + _AT_ONCE], using)
    items = (
        QueryItem(item.types, sorted(item.tags, key=lambda tag: counts.get(tag, 0))) for item in query.items
    )
    return Query.of(*items)


def _counts(tags: list[str], using: str) -> dict[str, int]:
    selects = (f"SELECT {n}, ({_COUNT.format(most=BROAD, n=n)})" for n in range(len(tags)))
    with explaining(using), connections[using].cursor() as cursor:
        cursor.execute(" UNION ALL ".join(selects), tags)
        return {tags[number]: count for number, count in cursor.fetchall()}

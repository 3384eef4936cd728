"""Which tags and types the log holds, each once, by leaps through an index: a value may stand there a million
times, and few of them are looked at. (MariaDB does not leap in a statement, so each leap is one.)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice, pairwise, takewhile
from typing import Any

from django.db import connections

from factos_django.store.database import database_for_writing

__all__ = ["count_of_type", "tags_from", "types_beside", "types_from"]

#: What one statement looks at (entries of an index): where values are rare, it finds as many at once.
_AT_ONCE = 50

#: How often names are looked for in the gaps between those that are known, and in how many gaps at once.
_ROUNDS, _GAPS = 6, 400
#: No name comes later.
_BEHIND = "~"

_FIRST = "(SELECT min(type) FROM factos_event WHERE type > %s AND type < %s)"
_NEXT = "SELECT {column} FROM {table} WHERE {column} {sign} %s ORDER BY {column} LIMIT {most}"


def tags_from(prefix: str, *, after: str = "", limit: int, using: str | None = None) -> list[str]:
    """Return the tags that begin with ``prefix``, in the order of their bytes in UTF-8.

    Args:
        prefix: What they begin with, to the letter; everything begins with nothing.
        after: Only those that come later than this.
        limit: At most so many (tags).
        using: The alias of the database.
    """
    with connections[database_for_writing(using)].cursor() as cursor:
        found = _leaps(cursor, "factos_tag", "value", *_start(prefix, after), prefix)
        return list(islice(found, limit))


def types_from(*, after: str = "", limit: int, using: str | None = None) -> list[str]:
    """Return the names of the types that the log holds facts of, in order, as ``tags_from`` does."""
    with connections[database_for_writing(using)].cursor() as cursor:
        return list(islice(_leaps(cursor, "factos_event", "type", ">", after), limit))


def types_beside(known: Iterable[str], *, limit: int, using: str | None = None) -> list[str]:
    """Return the names of types that the log holds facts of and that are none of ``known``, in order.

    Where there are none it asks once, however many are known. Where there are many, not all are found.

    Args:
        known: Names of types.
        limit: At most so many (names).
        using: The alias of the database.
    """
    names, found = set(known), list[str]()
    with connections[database_for_writing(using)].cursor() as cursor:
        for _ in range(_ROUNDS):
            more = _in_gaps(cursor, sorted([*names, *found]))
            found += more
            if not more or len(found) >= limit:
                break
    return sorted(found)[:limit]


def count_of_type(name: str, most: int, *, using: str | None = None) -> int:
    """Return how many facts of type ``name`` the log holds, and no more than ``most``."""
    sql = "SELECT count(*) FROM (SELECT 1 FROM factos_event WHERE type = %s LIMIT %s) AS few"
    with connections[database_for_writing(using)].cursor() as cursor:
        cursor.execute(sql, [name, most])
        (found,) = cursor.fetchone()
    return int(found)


def _in_gaps(cursor: Any, names: list[str]) -> list[str]:
    """Return the first name in each gap between ``names``, and before and behind them."""
    gaps = list(pairwise(["", *names, _BEHIND]))
    found: list[str | None] = []
    for start in range(0, len(gaps), _GAPS):
        some = gaps[start : start + _GAPS]
        cursor.execute(f"SELECT {', '.join([_FIRST] * len(some))}", [end for gap in some for end in gap])
        found += cursor.fetchone()
    return [name for name in found if name is not None]


def _start(prefix: str, after: str) -> tuple[str, str]:
    """Return where to begin: with the prefix, or behind ``after``. (Python orders text as UTF-8 does.)"""
    return (">", after) if after >= prefix else (">=", prefix)


def _leaps(cursor: Any, table: str, column: str, sign: str, start: str, prefix: str = "") -> Iterator[str]:
    """Yield the values from ``start`` on, each once, while they begin with ``prefix``."""
    while True:
        cursor.execute(_NEXT.format(column=column, table=table, sign=sign, most=_AT_ONCE), [start])
        values = [row[0] for row in cursor.fetchall()]
        yield from takewhile(lambda value: value.startswith(prefix), dict.fromkeys(values))
        if len(values) < _AT_ONCE or not values[-1].startswith(prefix):
            return
        sign, start = ">", values[-1]

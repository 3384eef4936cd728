"""Which tags and types the log holds, each once, by leaps through an index: a value may stand there a million
times, and few of them are looked at. (MariaDB does not leap in a statement, so each leap is one.)
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice, takewhile
from typing import Any

from django.db import connections

from factos_django.store.database import database_for_writing

__all__ = ["count_of_type", "tags_from", "types_from"]

#: What one statement looks at (entries of an index): where values are rare, it finds as many at once.
_AT_ONCE = 50

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


def count_of_type(name: str, most: int, *, using: str | None = None) -> int:
    """Return how many facts of type ``name`` the log holds, and no more than ``most``."""
    sql = "SELECT count(*) FROM (SELECT 1 FROM factos_event WHERE type = %s LIMIT %s) AS few"
    with connections[database_for_writing(using)].cursor() as cursor:
        cursor.execute(sql, [name, most])
        (found,) = cursor.fetchone()
    return int(found)


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

"""Which tags and types the log holds, each once, by leaps through an index: a value may stand there a million
times, and costs one look-up.
"""

from __future__ import annotations

from django.db import connections

from factos_django.store.database import database_for_writing

__all__ = ["count_of_type", "tags_from", "types_from"]

# The next value is the least one above the last.
_LEAPS = """
WITH RECURSIVE leaps (value, number) AS (
    SELECT min({column}), 1 FROM {table} WHERE {column} {sign} %s
    UNION ALL
    SELECT (SELECT min({table}.{column}) FROM {table} WHERE {table}.{column} > leaps.value), number + 1
    FROM leaps WHERE value IS NOT NULL AND number < %s
)
SELECT value FROM leaps WHERE value IS NOT NULL ORDER BY number
"""


def tags_from(prefix: str, *, after: str = "", limit: int, using: str | None = None) -> list[str]:
    """Return the tags that begin with ``prefix``, in the order of their bytes in UTF-8.

    Args:
        prefix: What they begin with, to the letter; everything begins with nothing.
        after: Only those that come later than this.
        limit: At most so many (tags).
        using: The alias of the database.
    """
    found = _leaps("factos_tag", "value", *_start(prefix, after), limit, using)
    return [tag for tag in found if tag.startswith(prefix)]


def types_from(*, after: str = "", limit: int, using: str | None = None) -> list[str]:
    """Return the names of the types that the log holds facts of, in order, as ``tags_from`` does."""
    return _leaps("factos_event", "type", ">", after, limit, using)


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


def _leaps(table: str, column: str, sign: str, start: str, limit: int, using: str | None) -> list[str]:
    with connections[database_for_writing(using)].cursor() as cursor:
        cursor.execute(_LEAPS.format(table=table, column=column, sign=sign), [start, limit])
        return [row[0] for row in cursor.fetchall()]

"""Statements of checks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

__all__ = ["row_of", "rows_of", "value_of"]


def rows_of(connection: BaseDatabaseWrapper, sql: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Return all rows of a statement."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return list(cursor.fetchall())


def row_of(connection: BaseDatabaseWrapper, sql: str, parameters: Sequence[Any] = ()) -> tuple[Any, ...]:
    """Return the first row, or one None where there is none."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return tuple(cursor.fetchone() or (None,))


def value_of(connection: BaseDatabaseWrapper, sql: str) -> Any:
    """Return the first value, or None."""
    return row_of(connection, sql)[0]

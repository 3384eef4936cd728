"""Rows on their way to PostgreSQL as one JSON text, which it reads as a table.

A statement with a placeholder for each value takes longer to put together than to run.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

from factos_django.core.canonical_json import encode_unchecked
from factos_django.projections.rows.columns import Column
from factos_django.projections.rows.shape import Key, Shape
from factos_django.projections.rows.table import Table

__all__ = ["PostgresqlTable"]


class PostgresqlTable(Table):
    """A table all of whose columns PostgreSQL can read out of JSON; see ``Column.json_type``."""

    def __init__(self, shape: Shape, using: str, name: str | None = None) -> None:
        super().__init__(shape, using, name)
        self.rows_at_once = 5_000

    def _source(
        self, rows: Sequence[Sequence[Any]], connection: BaseDatabaseWrapper
    ) -> tuple[str, list[Any]]:
        names, read = self._read(self.shape.columns, connection)
        return f"SELECT {names} FROM {read}", [_text(rows)]

    def _among(self, keys: Sequence[Key], connection: BaseDatabaseWrapper) -> tuple[str, list[Any]]:
        shape, quote = self.shape, connection.ops.quote_name
        columns = ", ".join(quote(name) for name in shape.key_names)
        names, read = self._read(shape.keys, connection)
        return f"({columns}) IN (SELECT {names} FROM {read})", [_text([shape.parts(key) for key in keys])]

    def _read(self, columns: Sequence[Column], connection: BaseDatabaseWrapper) -> tuple[str, str]:
        """Return the names of ``columns``, and what reads their values, lists without names, out of JSON."""
        names = [f"v{place}" for place in range(len(columns))]
        values = ", ".join(
            f"{_value(place, column)}::{column.json_type(connection)} AS {name}"
            for place, (name, column) in enumerate(zip(names, columns, strict=True))
        )
        return ", ".join(names), f"(SELECT {values} FROM jsonb_array_elements(%s::jsonb) AS r) AS given"


def _value(place: int, column: Column) -> str:
    if isinstance(column.target, models.JSONField):
        return f"nullif((r -> {place})::text, 'null')"  # None is stored as NULL, as Django does
    return f"(r ->> {place})"


def _text(rows: Sequence[Sequence[Any]]) -> str:
    return encode_unchecked(rows).decode()

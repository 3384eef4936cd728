"""Reading and writing the rows of a keyed projection, in its own table or beside it.

Whoever calls has made sure that nobody else writes these rows meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.constants import OnConflict

from factos_django.projections.rows.shape import Key, Row, Shape

__all__ = ["Table"]

#: Rows of one statement, where the parameters of the database do not say less.
_ROWS_AT_ONCE = 500


class Table:
    """The rows of ``shape`` in the table ``name`` of the database ``using``."""

    def __init__(self, shape: Shape, using: str, name: str | None = None) -> None:
        self.shape = shape
        self.using = using
        self.name = name or shape.model._meta.db_table
        self.rows_at_once = _ROWS_AT_ONCE

    def load(self, keys: Iterable[Key]) -> dict[Key, Row]:
        """Return the rows of ``keys``, of those that have one."""
        connection, shape = connections[self.using], self.shape
        wanted = list(keys)
        readers = [column.reader(connection) for column in shape.columns]
        plain = not any(readers)
        rows: dict[Key, Row] = {}
        for chunk in self._chunks(wanted, len(shape.keys)):
            for values in self._selected(chunk, connection):
                read = (
                    values
                    if plain
                    else [
                        value if reader is None else reader(value)
                        for reader, value in zip(readers, values, strict=True)
                    ]
                )
                key, row = shape.row(read)
                rows[key] = row
        return rows

    def write(self, changes: Mapping[Key, Row | None], existing: Iterable[Key]) -> None:
        """Let each of ``changes`` be its row, None for no row; ``existing`` are keys that have one now.

        A new row whose key is there after all is the database's IntegrityError: nothing is overwritten
        that was not read.
        """
        values = {key: None if row is None else self.shape.values(key, row) for key, row in changes.items()}
        self.store(values, existing)

    def store(self, values: Mapping[Key, Sequence[Any] | None], existing: Iterable[Key]) -> None:
        """Do the same with values that ``shape`` has judged.

        Where other columns are unique, too, MariaDB would replace any row that is in the way, of whatever
        key: there rows are made anew.
        """
        there = set(existing)
        anew = connections[self.using].vendor == "mysql" and self.shape.has_other_constraints
        gone = [key for key, row in values.items() if key in there and (anew or row is None)]
        self._delete(gone)
        there.difference_update(gone)
        kept = [(key, row) for key, row in values.items() if row is not None]
        self._insert([row for key, row in kept if key in there], replaces=True)
        self._insert([row for key, row in kept if key not in there], replaces=False)

    def _selected(self, keys: Sequence[Key], connection: BaseDatabaseWrapper) -> list[tuple[Any, ...]]:
        columns = ", ".join(connection.ops.quote_name(each.column) for each in self.shape.columns)
        where, parameters = self._among(keys, connection)
        return self._execute(f"SELECT {columns} FROM {self._quoted(connection)} WHERE {where}", parameters)

    def _delete(self, keys: Sequence[Key]) -> None:
        connection = connections[self.using]
        for chunk in self._chunks(keys, len(self.shape.keys)):
            where, parameters = self._among(chunk, connection)
            self._execute(f"DELETE FROM {self._quoted(connection)} WHERE {where}", parameters)

    def _insert(self, rows: Sequence[Sequence[Any]], *, replaces: bool) -> None:
        if not rows:
            return
        connection = connections[self.using]
        insertion, suffix = self._insertion(connection, replaces=replaces)
        for chunk in self._chunks(rows, len(self.shape.columns)):
            source, parameters = self._source(chunk, connection)
            self._execute(f"{insertion} {source} {suffix}", parameters)

    def _source(
        self, rows: Sequence[Sequence[Any]], connection: BaseDatabaseWrapper
    ) -> tuple[str, list[Any]]:
        """Return what stands for ``rows``, judged values, behind INSERT INTO."""
        columns, prepared = self.shape.columns, self.shape.prepared
        places = ", ".join([f"({', '.join(['%s'] * len(columns))})"] * len(rows))
        parameters = [
            prepared(column, value, connection)
            for row in rows
            for column, value in zip(columns, row, strict=True)
        ]
        return f"VALUES {places}", parameters

    def _insertion(self, connection: BaseDatabaseWrapper, *, replaces: bool) -> tuple[str, str]:
        quote, fields = connection.ops.quote_name, [column.field for column in self.shape.columns]
        suffix = ""
        if replaces:
            names = self.shape.key_names
            others = [each.column for each in self.shape.columns if each.column not in names]
            suffix = connection.ops.on_conflict_suffix_sql(fields, OnConflict.UPDATE, others, names)
        columns = ", ".join(quote(each.column) for each in self.shape.columns)
        return f"INSERT INTO {self._quoted(connection)} ({columns})", suffix

    def _among(self, keys: Sequence[Key], connection: BaseDatabaseWrapper) -> tuple[str, list[Any]]:
        """Return the condition that a row has one of ``keys``."""
        shape, quote = self.shape, connection.ops.quote_name
        parameters = [
            shape.prepared(column, part, connection)
            for key in keys
            for column, part in zip(shape.keys, shape.parts(key), strict=True)
        ]
        names = ", ".join(quote(column.column) for column in shape.keys)
        if not shape.is_composite:
            return f"{names} IN ({', '.join(['%s'] * len(keys))})", parameters
        one = f"({', '.join(['%s'] * len(shape.keys))})"
        # Rows as values: SQLite takes a list of them in this form only.
        values = "VALUES " if connection.vendor == "sqlite" else ""
        return f"({names}) IN ({values}{', '.join([one] * len(keys))})", parameters

    def _chunks(self, items: Sequence[Any], columns: int) -> Iterator[Sequence[Any]]:
        """Yield ``items``, of ``columns`` parameters each, as one statement takes them."""
        most = connections[self.using].features.max_query_params
        size = self.rows_at_once if most is None else max(1, min(self.rows_at_once, most // columns))
        return (items[start : start + size] for start in range(0, len(items), size))

    def _quoted(self, connection: BaseDatabaseWrapper) -> str:
        return connection.ops.quote_name(self.name)

    def _execute(self, sql: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
        with connections[self.using].cursor() as cursor:
            cursor.execute(sql, parameters)
            return list(cursor.fetchall()) if cursor.description else []

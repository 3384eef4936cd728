"""Tables beside a projection's own, in which it is computed again.

Their names hold the token of the run, so that one who was replaced does not write into another's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from factos_django.projections.runs import Run
from factos_django.projections.shape import Key, Row, Shape
from factos_django.projections.table import Table

__all__ = ["Staging"]

_PREFIX = "factos_stage_"

#: Of a table like another, and of one with some of its columns; neither holds rows.
_MAKE = {
    "postgresql": (
        "CREATE UNLOGGED TABLE {stage} (LIKE {live})",
        "CREATE UNLOGGED TABLE {keys} AS SELECT {names} FROM {live} WHERE false",
    ),
    "mysql": (
        "CREATE TABLE {stage} LIKE {live}",
        "CREATE TABLE {keys} AS SELECT {names} FROM {live} WHERE false",
    ),
    "sqlite": (
        "CREATE TABLE {stage} AS SELECT * FROM {live} WHERE false",
        "CREATE TABLE {keys} AS SELECT {names} FROM {live} WHERE false",
    ),
}


class Staging:
    """The table of rows, and the table of the keys whose rows may have to be put right.

    Attributes:
        rows: The name of the first.
        keys: The name of the second.
    """

    def __init__(self, shape: Shape, run: Run) -> None:
        digest = hashlib.sha256(shape.name.encode()).hexdigest()[:12]
        self.shape = shape
        self.using = run.using
        self._mine = f"{_PREFIX}{digest}_"
        self.rows = f"{self._mine}{run.token}"
        self.keys = f"{self.rows}_keys"
        self.table = Table(shape, run.using, self.rows)

    def make(self) -> None:
        """Make both, and remove those that a run which was killed has left."""
        self.remove()
        connection = connections[self.using]
        quote = connection.ops.quote_name
        named = {
            "stage": quote(self.rows),
            "keys": quote(self.keys),
            "live": quote(self.shape.model._meta.db_table),
            "names": ", ".join(map(quote, self.shape.key_names)),
        }
        for statement in _MAKE[connection.vendor]:
            self._execute(statement.format_map(named))
        if connection.vendor == "postgresql":
            self._fill_what_the_database_makes(connection)

    def remove(self) -> None:
        """Remove both, and those of older runs."""
        connection = connections[self.using]
        for name in connection.introspection.table_names():
            if name.startswith(self._mine):
                self._execute(f"DROP TABLE IF EXISTS {connection.ops.quote_name(name)}")

    def index(self) -> None:
        """Make rows be found by their keys; once."""
        connection = connections[self.using]
        if connection.vendor == "mysql":
            return  # LIKE has brought the indexes along
        quote = connection.ops.quote_name
        names = ", ".join(map(quote, self.shape.key_names))
        self._execute(f"CREATE UNIQUE INDEX {quote(f'{self.rows}_i')} ON {quote(self.rows)} ({names})")

    def analyze(self) -> None:
        """Let the planner know how many rows there are."""
        connection = connections[self.using]
        if connection.vendor == "postgresql":
            for name in (self.rows, self.keys):
                self._execute(f"ANALYZE {connection.ops.quote_name(name)}")

    def fill(self, rows: Iterable[tuple[Key, Row]]) -> None:
        """Write ``rows``, none of which is there."""
        if connections[self.using].vendor == "postgresql":
            self._copy(rows)
        else:
            self.table.write(dict(rows), ())

    def add_keys(self, keys: Iterable[Key]) -> None:
        """Name rows that may have to be put right; once more does no harm."""
        connection, shape = connections[self.using], self.shape
        quote = connection.ops.quote_name
        names = ", ".join(map(quote, shape.key_names))
        places = ", ".join(["%s"] * len(shape.keys))
        parameters = [
            [
                column.prepared(part, connection)
                for column, part in zip(shape.keys, shape.parts(k), strict=True)
            ]
            for k in keys
        ]
        with connection.cursor() as cursor:
            cursor.executemany(f"INSERT INTO {quote(self.keys)} ({names}) VALUES ({places})", parameters)

    def _copy(self, rows: Iterable[tuple[Key, Row]]) -> None:
        connection, columns = connections[self.using], self.shape.columns
        quote = connection.ops.quote_name
        names = ", ".join(quote(column.column) for column in columns)
        prepare = [column.preparer(connection) for column in columns]
        values_of = self.shape.values
        statement = f"COPY {quote(self.rows)} ({names}) FROM STDIN"
        with connection.cursor() as cursor, connection.wrap_database_errors, cursor.copy(statement) as copy:
            for key, row in rows:
                values = values_of(key, row)
                copy.write_row([v if p is None else p(v) for p, v in zip(prepare, values, strict=True)])

    def _fill_what_the_database_makes(self, connection: BaseDatabaseWrapper) -> None:
        # LIKE copies NOT NULL, and neither defaults nor identities: a surrogate key stays empty here.
        written = {column.column for column in self.shape.columns}
        for field in self.shape.model._meta.concrete_fields:
            if field.column not in written and not field.null:
                rows, column = map(connection.ops.quote_name, (self.rows, field.column or ""))
                self._execute(f"ALTER TABLE {rows} ALTER COLUMN {column} DROP NOT NULL")

    def _execute(self, sql: str, parameters: Sequence[Any] = ()) -> None:
        with connections[self.using].cursor() as cursor:
            cursor.execute(sql, list(parameters) or None)

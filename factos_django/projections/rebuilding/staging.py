"""Tables beside a projection's own, in which it is computed again.

Their names hold the token of the run, so that one who was replaced does not write into another's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any

from django.db import OperationalError, connections, transaction

from factos_django.projections.rebuilding.runs import Run
from factos_django.projections.rows.choice import table_of
from factos_django.projections.rows.shape import Key, Row, Shape

__all__ = ["Staging"]

_PREFIX = "factos_stage_"

#: On SQLite a table of the session, for the one write lock belongs to the appends. Elsewhere it would be lost
#: behind a pooler that changes sessions.
_MAKE = {
    "postgresql": "CREATE UNLOGGED TABLE",
    "mysql": "CREATE TABLE",
    "sqlite": "CREATE TEMPORARY TABLE",
}
#: How long the table of somebody who was replaced is waited for (seconds).
_PATIENCE = 1


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
        self._token = run.token
        self.rows = f"{self._mine}{run.token}"
        self.keys = f"{self.rows}_keys"
        self.table = table_of(shape, run.using, self.rows)

    def make(self) -> None:
        """Make both, and remove those that a run which was killed has left."""
        self.remove()
        self._make(self.rows, [column.column for column in self.shape.columns])
        self._make(self.keys, self.shape.key_names)

    def _make(self, name: str, columns: Sequence[str]) -> None:
        """Make a table of these columns of the live one, with none of its constraints and defaults."""
        connection = connections[self.using]
        quote = connection.ops.quote_name
        names, live = ", ".join(map(quote, columns)), quote(self.shape.model._meta.db_table)
        self._execute(f"{_MAKE[connection.vendor]} {quote(name)} AS SELECT {names} FROM {live} WHERE false")

    def remove(self) -> None:
        """Remove both, and those of older runs; a newer one has replaced us, and its tables are its own."""
        if connections[self.using].vendor == "sqlite":
            self._drop(self.rows)
            self._drop(self.keys)
            return
        for name in self._left():
            with suppress(OperationalError):  # somebody who woke up uses it still: the next run removes it
                self._drop(name)

    def _left(self) -> Iterator[str]:
        for name in connections[self.using].introspection.table_names():
            token = name.removeprefix(self._mine).removesuffix("_keys")
            if name.startswith(self._mine) and token.isdecimal() and int(token) <= self._token:
                yield name

    def _drop(self, name: str) -> None:
        connection = connections[self.using]
        said = f"DROP TABLE IF EXISTS {connection.ops.quote_name(name)}"
        match connection.vendor:
            case "postgresql":
                with transaction.atomic(using=self.using):
                    self._execute(f"SET LOCAL lock_timeout = '{_PATIENCE}s'")
                    self._execute(said)
            case "mysql":
                self._execute(f"SET STATEMENT lock_wait_timeout={_PATIENCE} FOR {said}")
            case _:
                self._execute(said)

    def index(self) -> None:
        """Make rows be found by their keys; once."""
        connection = connections[self.using]
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

    def _execute(self, sql: str, parameters: Sequence[Any] = ()) -> None:
        with connections[self.using].cursor() as cursor:
            cursor.execute(sql, list(parameters) or None)

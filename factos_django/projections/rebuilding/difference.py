"""The difference between the live rows of a projection and those that were computed beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.constants import OnConflict

from factos_django.projections.rebuilding.staging import Staging
from factos_django.projections.rows.columns import Column

__all__ = ["Counts", "Different", "apply", "counted", "mark", "sample"]

# How two values are told apart: NULL equals NULL, and texts compare byte for byte.
_DISTINCT = {
    "postgresql": "{a} IS DISTINCT FROM {b}",
    "mysql": "NOT (BINARY {a} <=> BINARY {b})",
    "sqlite": "{a} COLLATE BINARY IS NOT {b}",
}
_KINDS = ("missing", "extra", "different")


@dataclass(frozen=True, slots=True)
class Counts:
    """How many rows are missing, should not be there, and differ (rows)."""

    missing: int = 0
    extra: int = 0
    different: int = 0

    @property
    def all(self) -> int:
        """All that are not as they should be."""
        return self.missing + self.extra + self.different


@dataclass(frozen=True, slots=True)
class Different:
    """One row that is not as it should be.

    Attributes:
        kind: ``missing``, ``extra`` or ``different``.
        key: Its key.
        is_now: Its columns by name, those that differ; empty where it is missing.
        should_be: The same as computed; empty where it should not be.
    """

    kind: str
    key: tuple[Any, ...]
    is_now: dict[str, Any]
    should_be: dict[str, Any]


def mark(staging: Staging) -> None:
    """Name the keys of all rows that differ now."""
    said = _Said(staging)
    said.execute(
        f"INSERT INTO {said.keys} ({said.names()}) "
        f"SELECT {said.names('s')} FROM {said.stage} s LEFT JOIN {said.live} l ON {said.same('s', 'l')} "
        f"WHERE {said.absent('l')} OR {said.distinct} "
        f"UNION ALL SELECT {said.names('l')} FROM {said.live} l LEFT JOIN {said.stage} s "
        f"ON {said.same('s', 'l')} WHERE {said.absent('s')}"
    )


def counted(staging: Staging) -> Counts:
    """Return how many of the named rows differ."""
    said = _Said(staging)
    found = dict(said.execute(f"SELECT {said.kind}, count(*) FROM {said.named} GROUP BY 1"))
    return Counts(*(found.get(kind, 0) for kind in _KINDS))


def sample(staging: Staging, most: int) -> list[Different]:
    """Return up to ``most`` of the named rows that differ."""
    said = _Said(staging)
    values = f"{said.columns('l')}, {said.columns('s')}"
    rows = said.execute(
        f"SELECT {said.kind}, {said.names('d')}, {values} FROM {said.named} "
        f"WHERE {said.kind} IS NOT NULL LIMIT {most}"
    )
    return [_different(row, staging) for row in rows]


def apply(staging: Staging) -> None:
    """Put the named rows right, in the open transaction."""
    said = _Said(staging)
    said.execute(said.deletion)
    said.execute(
        f"INSERT INTO {said.live} ({said.columns()}) SELECT {said.columns('s')} FROM {said.stage} s "
        f"WHERE ({said.names('s')}) IN (SELECT {said.names()} FROM {said.keys}) {said.replacing}"
    )


class _Said:
    """The parts of these statements, in the words of one database."""

    def __init__(self, staging: Staging) -> None:
        connection, shape = connections[staging.using], staging.shape
        self._using = staging.using
        self._shape = shape
        self._vendor = connection.vendor
        self.quote = quote = connection.ops.quote_name
        self.live = quote(shape.model._meta.db_table)
        self.stage = quote(staging.rows)
        self.keys = quote(staging.keys)
        self._key_names = shape.key_names
        self._others = [c.column for c in shape.columns if c.column not in self._key_names]
        differ = _DISTINCT[connection.vendor]
        self.distinct = " OR ".join(
            differ.format(a=f"l.{quote(column)}", b=f"s.{quote(column)}") for column in self._others
        )
        self.distinct = f"({self.distinct})"
        self.replacing = self._replacing(connection)

    def _replacing(self, connection: BaseDatabaseWrapper) -> str:
        """What lets a row take the place of the one with its key.

        Where other columns are unique, too, that one is deleted before: MariaDB would replace any row that is
        in the way, of whatever key, and say nothing.
        """
        if self._shape.has_other_constraints:
            return ""
        fields = [column.field for column in self._shape.columns]
        return connection.ops.on_conflict_suffix_sql(fields, OnConflict.UPDATE, self._others, self._key_names)

    @property
    def deletion(self) -> str:
        """What deletes named rows: those that should not be there.

        And where other columns are unique, too, all of them: one row may get what another one has now.
        """
        stays = f"EXISTS (SELECT 1 FROM {self.stage} s WHERE {self.same('s', 'l')})"
        only_gone = "" if self._shape.has_other_constraints else f" AND NOT {stays}"
        if self._vendor == "mysql":  # which would look through all keys for each row
            named = f"(SELECT DISTINCT {self.names()} FROM {self.keys}) d"
            return f"DELETE l FROM {self.live} l JOIN {named} ON {self.same('d', 'l')} WHERE true{only_gone}"
        named = f"({self.names('l')}) IN (SELECT {self.names()} FROM {self.keys})"
        return f"DELETE FROM {self.live} AS l WHERE {named}{only_gone}"

    @property
    def kind(self) -> str:
        """What is the matter with a row; null where nothing is."""
        return (
            f"CASE WHEN {self.absent('l')} AND {self.absent('s')} THEN NULL "
            f"WHEN {self.absent('l')} THEN 'missing' WHEN {self.absent('s')} THEN 'extra' "
            f"WHEN {self.distinct} THEN 'different' END"
        )

    @property
    def named(self) -> str:
        """The named keys with their rows, live and computed."""
        return (
            f"(SELECT DISTINCT {self.names()} FROM {self.keys}) d "
            f"LEFT JOIN {self.stage} s ON {self.same('d', 's')} "
            f"LEFT JOIN {self.live} l ON {self.same('d', 'l')}"
        )

    def names(self, table: str = "") -> str:
        """The key columns, of ``table``."""
        return self._listed(self._key_names, table)

    def columns(self, table: str = "") -> str:
        """All columns, of ``table``."""
        return self._listed([column.column for column in self._shape.columns], table)

    def same(self, first: str, second: str) -> str:
        """The condition that rows of two tables have one key."""
        return " AND ".join(
            f"{first}.{self.quote(name)} = {second}.{self.quote(name)}" for name in self._key_names
        )

    def absent(self, table: str) -> str:
        """The condition that an outer join found no row; a key is never null."""
        return f"{table}.{self.quote(self._key_names[0])} IS NULL"

    def execute(self, sql: str) -> list[tuple[Any, ...]]:
        with connections[self._using].cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall()) if cursor.description else []

    def _listed(self, names: list[str], table: str) -> str:
        return ", ".join(f"{table}.{self.quote(name)}" if table else self.quote(name) for name in names)


def _different(row: tuple[Any, ...], staging: Staging) -> Different:
    columns, keys = staging.shape.columns, len(staging.shape.keys)
    kind, key, values = row[0], row[1 : 1 + keys], row[1 + keys :]
    live = _read(columns, values[: len(columns)], staging.using)
    made = _read(columns, values[len(columns) :], staging.using)
    differing = [name for name in live if live[name] != made[name]]
    return Different(
        kind,
        tuple(key),
        {} if kind == "missing" else {name: live[name] for name in differing},
        {} if kind == "extra" else {name: made[name] for name in differing},
    )


def _read(columns: Sequence[Column], values: Sequence[Any], using: str) -> dict[str, Any]:
    """Return ``values`` as the application knows them; a driver gives those of the two tables in two ways."""
    readers = [column.reader(connections[using]) for column in columns]
    return {
        column.column: value if reader is None or value is None else reader(value)
        for column, value, reader in zip(columns, values, readers, strict=True)
    }

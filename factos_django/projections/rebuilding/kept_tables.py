"""Tables whose rows are kept aside, to be compared with those that are written anew."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import connections, models

from factos_django.projections.rebuilding.difference import Counts

__all__ = ["KeptTables"]


class KeptTables:
    """The tables of ``models``, in the open transaction of ``using``.

    What is compared is every column but a surrogate key, which the database counts on.
    """

    def __init__(self, models: Sequence[type[models.Model]], using: str) -> None:
        self._models = models
        self._using = using
        # Without the word MariaDB would commit first.
        self._drop = f"DROP {'TEMPORARY ' if connections[using].vendor == 'mysql' else ''}TABLE"

    def keep(self) -> None:
        """Copy the rows aside."""
        for live, kept, names in self._tables():
            self._execute(f"{self._drop} IF EXISTS {kept}")
            self._execute(f"CREATE TEMPORARY TABLE {kept} AS SELECT {', '.join(names)} FROM {live}")

    def empty(self) -> None:
        """Delete the rows. (TRUNCATE would commit on MariaDB, and show nothing to old snapshots.)"""
        for live, _, _ in reversed(self._tables()):
            self._execute(f"DELETE FROM {live}")

    def compared(self) -> Counts:
        """Return how many of the new rows were missing, and how many of the old ones are no more."""
        missing = extra = 0
        # MariaDB groups texts that its collation calls equal.
        exactly = "BINARY " if connections[self._using].vendor == "mysql" else ""
        for live, kept, names in self._tables():
            columns, told_apart_by = ", ".join(names), ", ".join(f"{exactly}{name}" for name in names)
            ((more, less),) = self._execute(
                "SELECT sum(CASE WHEN d > 0 THEN d END), sum(CASE WHEN d < 0 THEN d END) FROM ("
                f"SELECT sum(n) AS d FROM (SELECT {columns}, 1 AS n FROM {live} "
                f"UNION ALL SELECT {columns}, -1 AS n FROM {kept}) AS rows_of_both "
                f"GROUP BY {told_apart_by}) AS differences"
            )
            missing, extra = missing + int(more or 0), extra - int(less or 0)
        return Counts(missing, extra, 0)

    def forget(self) -> None:
        """Drop the copies."""
        for _, kept, _ in self._tables():
            self._execute(f"{self._drop} {kept}")

    def _tables(self) -> list[tuple[str, str, list[str]]]:
        quote = connections[self._using].ops.quote_name
        return [
            (
                quote(model._meta.db_table),
                quote(f"factos_kept_{number}"),
                [quote(column) for column in _compared_columns(model)],
            )
            for number, model in enumerate(self._models)
        ]

    def _execute(self, sql: str) -> list[tuple[Any, ...]]:
        with connections[self._using].cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall()) if cursor.description else []


def _compared_columns(model: type[models.Model]) -> list[str]:
    fields = model._meta.concrete_fields
    own = [f for f in fields if not isinstance(f, models.AutoField | models.BigAutoField)]
    return [field.column or "" for field in own or fields]

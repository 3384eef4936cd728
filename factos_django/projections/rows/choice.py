"""Which table class a projection gets on a database."""

from __future__ import annotations

from django.db import connections

from factos_django.projections.rows.postgresql_table import PostgresqlTable
from factos_django.projections.rows.shape import Shape
from factos_django.projections.rows.table import Table

__all__ = ["table_of"]


def table_of(shape: Shape, using: str, name: str | None = None) -> Table:
    """Return the rows of ``shape`` in the database ``using``, in its own table or in the table ``name``."""
    connection = connections[using]
    readable = connection.vendor == "postgresql" and all(c.json_type(connection) for c in shape.columns)
    return (PostgresqlTable if readable else Table)(shape, using, name)

"""Tables of projections that a database does not have, or not yet."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import connections, models

__all__ = ["absent_tables"]


def absent_tables(kept: Iterable[type[models.Model]], using: str) -> list[str]:
    """Return the names of the tables of ``kept`` that are not in ``using``, sorted.

    One in another schema, under a name that the project has quoted itself, is taken for there: Django lists
    the tables of the usual ones only.
    """
    connection = connections[using]
    folded = str.casefold if connection.features.ignores_table_name_case else str
    there = {folded(name) for name in connection.introspection.table_names()}
    names = {model._meta.db_table for model in kept}
    return sorted(name for name in names if not name.startswith('"') and folded(name) not in there)

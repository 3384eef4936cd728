"""The stable head: the highest position below which nothing can still appear."""

from __future__ import annotations

from typing import Any

from django.db import connections

from factos_django.core.errors import StandbyRefused, WrongIsolation
from factos_django.guards.log import isolation_expression
from factos_django.store.database import database_for_writing

__all__ = ["head", "highest_position"]


def head(using: str | None = None) -> int:
    """Return the stable head, 0 for a log that was never appended to.

    On PostgreSQL an open append holds it back, that of an unrelated context too. What you appended
    yourself a moment ago may therefore lie above it.

    Raises:
        WrongIsolation: The connection does not run at READ COMMITTED.
        StandbyRefused: The server is a standby.
    """
    alias = database_for_writing(using)
    vendor = connections[alias].vendor
    if vendor == "postgresql":
        return _head_of_postgresql(alias)
    isolation = isolation_expression(connections[alias]) if vendor == "mysql" else "'READ-COMMITTED'"
    last, found = _fetch(f"SELECT coalesce(max(position), 0), {isolation} FROM factos_event", alias)
    if found != "READ-COMMITTED":
        raise WrongIsolation(using=alias, isolation=found)
    return int(last)


def highest_position(using: str) -> int:
    """Return the highest position that is visible; below it others may still appear."""
    return int(_fetch("SELECT coalesce(max(position), 0) FROM factos_event", using)[0])


def _head_of_postgresql(using: str) -> int:
    position, isolation, standby = _fetch("SELECT head, isolation, standby FROM factos_head_2()", using)
    if isolation not in ("read committed", "read uncommitted"):
        raise WrongIsolation(using=using, isolation=isolation)
    if standby:
        raise StandbyRefused(using=using)
    return int(position)


def _fetch(sql: str, using: str) -> tuple[Any, ...]:
    with connections[using].cursor() as cursor:
        cursor.execute(sql)
        return tuple(cursor.fetchone())

"""Bounds on every wait of an append: FACTOS_LOCK_TIMEOUT_SECONDS, for our statements and no others."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connections

from factos_django.conf import conf, lock_timeout_milliseconds

__all__ = ["bounded_begin", "bounded_participants", "bounded_waits"]

_BOUNDED_ON_MARIADB = ("SELECT", "INSERT", "UPDATE", "DELETE", "REPLACE")
_BOUND = "SELECT before, set_config('lock_timeout', %s, true) FROM current_setting('lock_timeout') AS before"


@contextmanager
def bounded_begin(using: str) -> Iterator[None]:
    """Bound SQLite's wait for its one write lock, which BEGIN IMMEDIATE takes; elsewhere nothing waits."""
    connection = connections[using]
    if connection.vendor != "sqlite":
        yield
        return
    connection.ensure_connection()
    # Past Django's cursor, which refuses every statement while an outer transaction is to be rolled back.
    sqlite = connection.connection
    (before,) = sqlite.execute("PRAGMA busy_timeout").fetchone()
    sqlite.execute(f"PRAGMA busy_timeout = {lock_timeout_milliseconds()}")
    try:
        yield
    finally:
        if connection.connection is sqlite:
            sqlite.execute(f"PRAGMA busy_timeout = {before}")


@contextmanager
def bounded_waits(using: str) -> Iterator[None]:
    """Bound the waits of the statements inside. On PostgreSQL the functions that they call do it."""
    connection = connections[using]
    if connection.vendor != "mysql":
        yield
        return
    with connection.execute_wrapper(_bounded_statement):
        yield


@contextmanager
def bounded_participants(using: str) -> Iterator[None]:
    """Bound, on PostgreSQL, the waits of those who take part in an append by statements of their own.

    Positions are drawn by then: whoever has locked one of their rows would hold the head back as long as
    he likes. After an error the rollback gives the session's own limit back.
    """
    if connections[using].vendor != "postgresql":
        yield
        return
    before = _set_limit(using, str(lock_timeout_milliseconds()))
    yield
    if connections[using].savepoint_ids:  # else the transaction is the append's own, and ends with it
        _set_limit(using, before)


def _set_limit(using: str, limit: str) -> str:
    """Set PostgreSQL's limit for the rest of the transaction, or savepoint; return the one before."""
    with connections[using].cursor() as cursor:
        cursor.execute(_BOUND, [limit])
        return str(cursor.fetchone()[0])


def _bounded_statement(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
    """MariaDB's limit for one statement; SAVEPOINT and the like wait for nobody."""
    if sql[:100].lstrip().upper().startswith(_BOUNDED_ON_MARIADB):
        seconds = max(1, math.ceil(conf.LOCK_TIMEOUT_SECONDS))
        # The first for rows, the second for tables.
        sql = f"SET STATEMENT innodb_lock_wait_timeout={seconds}, lock_wait_timeout={seconds} FOR {sql}"
    return execute(sql, params, many, context)

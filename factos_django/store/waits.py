"""Bounds on every wait of an append: FACTOS_LOCK_TIMEOUT_SECONDS, for our statements and no others."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connections

from factos_django.conf import conf, lock_timeout_milliseconds

__all__ = ["bounded_begin", "bounded_waits"]


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


def _bounded_statement(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
    """MariaDB's limit for one statement; SAVEPOINT and the like wait for nobody."""
    if sql.startswith(("SELECT", "INSERT", "UPDATE")):
        seconds = max(1, math.ceil(conf.LOCK_TIMEOUT_SECONDS))
        # The first for rows, the second for tables.
        sql = f"SET STATEMENT innodb_lock_wait_timeout={seconds}, lock_wait_timeout={seconds} FOR {sql}"
    return execute(sql, params, many, context)

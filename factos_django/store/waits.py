"""Bounds on every wait of an append: FACTOS_LOCK_TIMEOUT_SECONDS, for our statements and no others."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from factos_django.conf import conf

__all__ = ["bound_reads", "bounded_begin", "bounded_waits"]


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
    sqlite.execute(f"PRAGMA busy_timeout = {max(1, int(conf.LOCK_TIMEOUT_SECONDS * 1000))}")
    try:
        yield
    finally:
        if connection.connection is sqlite:
            sqlite.execute(f"PRAGMA busy_timeout = {before}")


@contextmanager
def bounded_waits(using: str, *, ours: bool) -> Iterator[None]:
    """Bound the waits of the statements inside, in the transaction that is open.

    On PostgreSQL the guard sets the limit, in the call that takes the locks; where the transaction is
    not ours, this puts the caller's own limit back.
    """
    connection = connections[using]
    if connection.vendor == "mysql":
        with connection.execute_wrapper(_bounded_statement):
            yield
        return
    yield
    if connection.vendor == "postgresql" and not ours:
        _execute(connection, "SELECT factos_unbound_1()")


def bound_reads(using: str) -> None:
    """Bound, inside ``bounded_waits``, what is read on PostgreSQL before the guard is held."""
    connection = connections[using]
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT factos_bound_1(%s)", [f"{max(1, int(conf.LOCK_TIMEOUT_SECONDS * 1000))}ms"]
            )


def _bounded_statement(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
    """MariaDB's limit for one statement; SAVEPOINT and the like wait for nobody."""
    if sql.startswith(("SELECT", "INSERT", "UPDATE")):
        seconds = max(1, math.ceil(conf.LOCK_TIMEOUT_SECONDS))
        # The first for rows, the second for tables.
        sql = f"SET STATEMENT innodb_lock_wait_timeout={seconds}, lock_wait_timeout={seconds} FOR {sql}"
    return execute(sql, params, many, context)


def _execute(connection: BaseDatabaseWrapper, sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)

"""Databases and sessions beside those of the test run, for tests that break or migrate them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

__all__ = ["connected_anew", "empty_database", "second_session"]


@contextmanager
def connected_anew(using: str, **settings: Any) -> Iterator[BaseDatabaseWrapper]:
    """Let the alias `using` stand for a new connection with other settings, inside the block."""
    usual = connections[using]
    connection = usual.copy()
    connection.settings_dict.update(settings)
    connections[using] = connection
    try:
        yield connection
    finally:
        BaseDatabaseWrapper.close(connection)  # the own close() of a database in memory does nothing
        connections[using] = usual


@contextmanager
def empty_database(using: str, directory: Path, **settings: Any) -> Iterator[BaseDatabaseWrapper]:
    """Let the alias `using` stand for a new database without tables, inside the block."""
    connection = connections[using]
    if connection.vendor == "sqlite":
        with connected_anew(using, NAME=str(directory / "empty.sqlite3"), **settings) as made:
            yield made
        return
    name = f"{connection.settings_dict['NAME']}_empty"
    characters = " CHARACTER SET utf8mb4" if connection.vendor == "mysql" else ""
    _execute_outside(connection, f"DROP DATABASE IF EXISTS {name}", f"CREATE DATABASE {name}{characters}")
    try:
        with connected_anew(using, NAME=name, **settings) as made:
            yield made
    finally:
        _execute_outside(connection, f"DROP DATABASE {name}")


@contextmanager
def second_session(using: str) -> Iterator[Any]:
    """A cursor of another session in the test database `using`."""
    connection = connections[using].copy()
    try:
        with connection.cursor() as cursor:
            yield cursor
    finally:
        connection.close()


def _execute_outside(connection: BaseDatabaseWrapper, *statements: str) -> None:
    with connection._nodb_cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)

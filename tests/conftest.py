import os
from collections.abc import Iterator
from typing import Any
from unittest import mock

import hypothesis
import pytest
from django.db.backends.postgresql.operations import DatabaseOperations

from tests.settings import BROKERS, DATABASES, LEFT_OUT
from tests.stores import Store

# An example that waits for a database is slow now and then, which is no failure.
hypothesis.settings.register_profile("factos", hypothesis.settings(), deadline=None)
hypothesis.settings.load_profile("factos")


LEFT_OUT_LINES = [f"{alias} is left out: {reason}" for alias, reason in LEFT_OUT.items()]


_TRUNCATE = DatabaseOperations.sql_flush


def _sql_flush_of_what_is_filled(self: Any, style: Any, tables: Any, **options: Any) -> list[str]:
    """Truncate what holds rows: for each table that it truncates PostgreSQL makes several files anew."""
    if options.get("reset_sequences") or not tables:
        return _TRUNCATE(self, style, tables, **options)
    with self.connection.cursor() as cursor:
        looks = (f"SELECT {n} WHERE EXISTS (SELECT FROM {self.quote_name(t)})" for n, t in enumerate(tables))
        cursor.execute(" UNION ALL ".join(looks))
        filled = [tables[number] for (number,) in cursor.fetchall()]
    return _TRUNCATE(self, style, filled, allow_cascade=True)  # empty ones may refer to them


@pytest.fixture(autouse=True, scope="session")
def _flush_of_what_is_filled() -> Iterator[None]:
    with mock.patch.object(DatabaseOperations, "sql_flush", _sql_flush_of_what_is_filled):
        yield


@pytest.fixture
def store(request: pytest.FixtureRequest, settings: Any) -> Store:
    """One of tests.stores.STORES, its guard in force; see tests.stores.on_databases."""
    chosen: Store = request.param
    settings.FACTOS_GUARD = {chosen.using: chosen.guard}
    return chosen


def pytest_configure() -> None:
    if os.environ.get("CI") == "true" and LEFT_OUT_LINES:
        raise pytest.UsageError("\n".join(["in CI every database and broker is tested", *LEFT_OUT_LINES]))


def pytest_report_header() -> list[str]:
    brokers = ", ".join(name for name in BROKERS if name not in LEFT_OUT)
    databases = ", ".join(DATABASES)
    return [f"databases: {databases} (default is SQLite); brokers: files, {brokers}", *LEFT_OUT_LINES]

import os
from collections.abc import Iterator
from typing import Any
from unittest import mock

import hypothesis
import pytest
from django.apps import apps
from django.contrib.auth.management import _get_all_permissions  # type: ignore[attr-defined]
from django.core.management.commands import flush
from django.core.management.sql import emit_post_migrate_signal
from django.db.backends.postgresql.operations import DatabaseOperations
from django.test import TransactionTestCase

from factos_django.apps import _install
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


#: What post_migrate makes, and no test changes. To make it anew took three quarters of each flush.
_KEPT = {"auth_permission", "django_content_type"}


def _sql_flush_of_the_rest(style: Any, connection: Any, **options: Any) -> list[str]:
    tables = connection.introspection.django_table_names(only_existing=True, include_views=False)
    return list(connection.ops.sql_flush(style, [each for each in tables if each not in _KEPT], **options))


def _install_again(verbosity: int, interactive: bool, db: str, **options: Any) -> None:
    """Make what our app makes, and all that the others do where a test has lost permissions."""
    wanted = sum(len(_get_all_permissions(model._meta)) for model in apps.get_models())
    if apps.get_model("auth.Permission").objects.using(db).count() < wanted:
        emit_post_migrate_signal(verbosity, interactive, db, **options)
    else:
        _install(using=db)


_TEARDOWN = TransactionTestCase._fixture_teardown  # type: ignore[attr-defined]


def _teardown(self: TransactionTestCase) -> None:
    """Flush after a test, and only then, for less than Django does it. (A test may flush by itself.)"""
    with (
        mock.patch.object(flush, "sql_flush", _sql_flush_of_the_rest),
        mock.patch.object(flush, "emit_post_migrate_signal", _install_again),
        mock.patch.object(DatabaseOperations, "sql_flush", _sql_flush_of_what_is_filled),
    ):
        _TEARDOWN(self)


@pytest.fixture(autouse=True, scope="session")
def _flush_of_what_is_filled() -> Iterator[None]:
    with mock.patch.object(TransactionTestCase, "_fixture_teardown", _teardown):
        yield


@pytest.fixture
def store(request: pytest.FixtureRequest, settings: Any) -> Store:
    """One of tests.stores.STORES, its guard in force; see tests.stores.on_databases."""
    chosen: Store = request.param
    settings.FACTOS_GUARD = {chosen.using: chosen.guard}
    return chosen


def pytest_configure() -> None:
    if os.environ.get("CI") == "true" and LEFT_OUT_LINES:
        raise pytest.UsageError(
            "\n".join(["in CI every database, every broker and the browser is used", *LEFT_OUT_LINES])
        )


def pytest_report_header() -> list[str]:
    brokers = ", ".join(name for name in BROKERS if name not in LEFT_OUT)
    databases = ", ".join(DATABASES)
    return [f"databases: {databases} (default is SQLite); brokers: files, {brokers}", *LEFT_OUT_LINES]

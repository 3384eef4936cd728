"""The migrations: complete, reversible, and not the only way to the triggers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connections
from django.db.migrations.loader import MigrationLoader

from factos_django import Query
from factos_django.sql.installation import missing
from factos_django.store import append, read
from factos_django.testing.contract import Counted
from tests.scratch import empty_database
from tests.stores import Store, on_databases


def migrate(using: str, *arguments: str, **options: Any) -> None:
    call_command("migrate", *arguments, database=using, verbosity=0, **options)


def left_of_the_app(using: str) -> list[str]:
    """The tables, functions and triggers in the database whose names are ours."""
    sql = {
        "sqlite": "SELECT name FROM sqlite_master WHERE name LIKE 'factos!_%' ESCAPE '!'",
        "postgresql": "SELECT proname FROM pg_proc WHERE proname LIKE 'factos!_%' ESCAPE '!' UNION ALL "
        "SELECT relname FROM pg_class WHERE relname LIKE 'factos!_%' ESCAPE '!'",
        "mysql": "SELECT table_name FROM information_schema.tables "
        "WHERE table_schema = database() AND table_name LIKE 'factos!_%' ESCAPE '!'",
    }
    with connections[using].cursor() as cursor:
        cursor.execute(sql[connections[using].vendor])
        return sorted(row[0] for row in cursor.fetchall())


def assert_works(using: str) -> None:
    """The log records, reads, and refuses to be changed."""
    assert missing(connections[using]) == {}
    append([Counted(1)], using=using)
    assert [each.event for each in read(Query.all(), using=using)] == [Counted(1)]
    with pytest.raises(DatabaseError, match="append-only"), connections[using].cursor() as cursor:
        cursor.execute("UPDATE factos_event SET type = 'x'")


@pytest.mark.django_db
def test_no_migration_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("makemigrations", "--check", "--dry-run")
    assert capsys.readouterr().out == "No changes detected\n"


@pytest.mark.django_db
def test_no_migration_is_missing_in_a_project_with_other_default_keys(
    capsys: pytest.CaptureFixture[str], settings: Any
) -> None:
    settings.DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
    call_command("makemigrations", "factos", "--check", "--dry-run")
    assert "No changes detected" in capsys.readouterr().out


def test_the_app_depends_on_no_other_app() -> None:
    loader = MigrationLoader(None)
    ours = loader.graph.forwards_plan(("factos", "0003_one_call_an_append"))
    assert {app for app, _ in ours} == {"factos"}


@on_databases("default", "postgres", "mariadb")
def test_a_new_database_is_migrated_and_works(store: Store, tmp_path: Path) -> None:
    with empty_database(store.using, tmp_path):
        migrate(store.using, "factos")
        assert_works(store.using)


@on_databases("default", "postgres", "mariadb")
def test_migrate_factos_zero_leaves_nothing_and_the_way_back_leads_to_a_log_that_works(
    store: Store, tmp_path: Path
) -> None:
    with empty_database(store.using, tmp_path):
        migrate(store.using, "factos")
        assert_works(store.using)
        migrate(store.using, "factos", "zero")
        assert left_of_the_app(store.using) == []
        migrate(store.using, "factos")
        assert_works(store.using)


@on_databases("default", "postgres", "mariadb")
def test_the_later_migrations_are_undone_and_done_again(store: Store, tmp_path: Path) -> None:
    with empty_database(store.using, tmp_path):
        migrate(store.using, "factos")
        migrate(store.using, "factos", "0001")
        migrate(store.using, "factos")
        assert_works(store.using)


@on_databases("postgres")
def test_functions_of_an_older_release_stay_for_its_processes_until_the_app_goes(
    store: Store, tmp_path: Path
) -> None:
    with empty_database(store.using, tmp_path) as connection:
        migrate(store.using, "factos", "0002")
        with connection.cursor() as cursor:
            cursor.execute("CREATE FUNCTION factos_append_0() RETURNS integer LANGUAGE sql AS 'SELECT 7'")
            cursor.execute("DROP FUNCTION factos_append_3")
        migrate(store.using, "factos")
        assert_works(store.using)
        with connection.cursor() as cursor:
            cursor.execute("SELECT factos_append_0()")
            assert cursor.fetchone() == (7,)
        migrate(store.using, "factos", "zero")
        assert left_of_the_app(store.using) == []


@on_databases("default", "postgres", "mariadb")
def test_tables_that_no_migration_made_get_their_triggers_after_it(
    store: Store, tmp_path: Path, settings: Any
) -> None:
    settings.MIGRATION_MODULES = {"factos": None}  # what --nomigrations does to every app
    with empty_database(store.using, tmp_path):
        migrate(store.using, run_syncdb=True)
        assert_works(store.using)


@on_databases("default", "postgres", "mariadb")
def test_migrate_runs_with_its_checks_on_a_new_database_and_again(store: Store, tmp_path: Path) -> None:
    with empty_database(store.using, tmp_path):
        migrate(store.using, skip_checks=False)
        assert_works(store.using)
        migrate(store.using, skip_checks=False)
        assert missing(connections[store.using]) == {}


@on_databases("default")
def test_triggers_that_sqlite_dropped_with_a_table_that_was_made_anew_come_back(
    store: Store, tmp_path: Path
) -> None:
    with empty_database(store.using, tmp_path) as connection:
        migrate(store.using, "factos")
        from factos_django.models import Event

        with connection.schema_editor() as editor:
            editor._remake_table(Event)  # type: ignore[attr-defined]
        assert missing(connection)
        migrate(store.using, "factos")
        assert_works(store.using)

"""What deploy.md says of databases, done to databases."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connections

from factos_django.projections import catch_up
from factos_django.projections.rebuilding import rebuild
from factos_django.store import append
from tests.docs.pages import blocks_of
from tests.ledger.domain import Deposited
from tests.ledger.models import Balance, FollowedBalance
from tests.scratch import connected_anew, empty_database
from tests.stores import Store, on_databases

BLOCKS = blocks_of("how-to/deploy")
ROLES = ("mysite_web", "mysite_worker")


def statements() -> list[str]:
    """Those of the page, about roles that no other test has."""
    sql = "\n".join(block.text for block in BLOCKS if block.language == "sql")
    for role in ROLES:
        sql = sql.replace(role, own(role))
    lines = [line for line in sql.splitlines() if not line.startswith("--")]
    return [each for each in "\n".join(lines).split(";") if each.strip()]


def own(role: str) -> str:
    return f"{role}_{os.getpid()}"


@contextmanager
def site(using: str, directory: Path) -> Iterator[None]:
    """A database with the tables of the tests, on which everything of the page was granted."""
    with empty_database(using, directory) as connection:
        call_command("migrate", database=using, run_syncdb=True, verbosity=0)
        tables = [name for name in connection.introspection.table_names() if name.startswith("ledger_")]
        theirs = f"GRANT SELECT, INSERT, UPDATE, DELETE ON {', '.join(tables)} TO {own('mysite_web')}"
        roles = [f"CREATE ROLE {own(role)}" for role in ROLES]
        try:
            with connection.cursor() as cursor:
                for statement in [*roles, *statements(), theirs]:
                    cursor.execute(statement)
            yield
        finally:
            with connection.cursor() as cursor:
                for role in reversed(ROLES):
                    cursor.execute(f"DROP OWNED BY {own(role)}")
                    cursor.execute(f"DROP ROLE {own(role)}")


@contextmanager
def acting_as(role: str, using: str) -> Iterator[None]:
    options = connections[using].settings_dict["OPTIONS"]
    with connected_anew(using, OPTIONS={**options, "assume_role": own(role)}):
        yield


@on_databases("postgres")
def test_the_roles_of_the_page_can_do_their_work_and_change_no_fact(store: Store, tmp_path: Path) -> None:
    with site(store.using, tmp_path):
        with acting_as("mysite_web", store.using):
            append([Deposited("ada", 5)], using=store.using, idempotency_key="k")
            assert Balance.objects.using(store.using).get().amount == 5
            for forbidden in ("UPDATE factos_event SET version = 2", "DELETE FROM factos_tag"):
                with pytest.raises(DatabaseError, match="permission denied"):
                    execute(forbidden, store.using)
        with acting_as("mysite_worker", store.using):
            catch_up("ledger.followed_balances", using=store.using)
            assert FollowedBalance.objects.using(store.using).get().amount == 5
            rebuild("ledger.balances", using=store.using)
            call_command("check", databases=[store.using])


def execute(statement: str, using: str) -> None:
    with connections[using].cursor() as cursor:
        cursor.execute(statement)


def shown_database(name: str) -> dict[str, Any]:
    (block,) = (block for block in BLOCKS if block.path == name)
    settings: dict[str, Any] = {}
    exec(block.code, settings)
    return dict(settings["DATABASES"]["default"])


@on_databases("postgres")
def test_the_server_takes_the_options_of_the_page(store: Store) -> None:
    shown = shown_database("mysite/on_postgresql.py")
    usual = connections[store.using].settings_dict
    with connected_anew(store.using, OPTIONS={**usual["OPTIONS"], **shown["OPTIONS"]}):
        execute("SELECT 1", store.using)


@pytest.mark.django_db
def test_sqlite_takes_the_options_of_the_page(tmp_path: Path) -> None:
    shown = shown_database("mysite/on_sqlite.py")
    connection = connections["default"].copy()
    connection.settings_dict.update(shown | {"NAME": str(tmp_path / "db.sqlite3")})
    with connection.cursor() as cursor:
        found = [cursor.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")]
    connection.close()
    assert found == ["wal", 2]

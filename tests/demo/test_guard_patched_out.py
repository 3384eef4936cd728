"""The sale proves something: without the guard it oversells, and says so."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connections

from factos_django.guards.log import LogGuardByRow
from factos_django.sql.postgresql.locks import LOCKS
from tests.stores import Store, on_databases

LOCK_NOTHING = (
    "CREATE OR REPLACE FUNCTION factos_hold_2(request jsonb, items jsonb) RETURNS void LANGUAGE plpgsql "
    "AS $body$ BEGIN END $body$",
    "CREATE OR REPLACE FUNCTION factos_share_1(tags jsonb) RETURNS boolean LANGUAGE sql "
    "AS $body$ SELECT true $body$",
)


@contextmanager
def without_locks(using: str) -> Iterator[None]:
    """Let PostgreSQL's functions lock nothing, inside the block."""
    if connections[using].vendor != "postgresql":
        yield
        return
    execute(using, LOCK_NOTHING)
    try:
        yield
    finally:
        execute(using, LOCKS.values())


def execute(using: str, statements: Iterable[str]) -> None:
    with connections[using].cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


# On SQLite a transaction that begins IMMEDIATE is alone anyway: there the file's lock would have to go.
@on_databases("postgres", "mariadb")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork.*:DeprecationWarning")  # Python 3.12 and newer
def test_the_sale_oversells_without_the_guard(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LogGuardByRow, "hold", lambda self, using: None)
    options = {"capacity": 5, "attempts": 40, "concurrency": 8, "hold_ms": 20, "database": store.using}
    with without_locks(store.using), pytest.raises(CommandError, match="oversold"):
        call_command("sell_tickets", conference="oversold", stdout=StringIO(), **options)

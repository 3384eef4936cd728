"""PostgreSQL with functions that lock nothing, for tests that show what the locks are for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from django.db import connections

from factos_django.sql.postgresql.locks import LOCKS

__all__ = ["without_locks"]

_LOCK_NOTHING = (
    "CREATE OR REPLACE FUNCTION factos_hold_4(request jsonb, items jsonb) RETURNS void LANGUAGE plpgsql "
    "AS $body$ BEGIN END $body$",
    "CREATE OR REPLACE FUNCTION factos_share_2(tags jsonb, rows jsonb) RETURNS boolean LANGUAGE sql "
    "AS $body$ SELECT true $body$",
    "CREATE OR REPLACE FUNCTION factos_rows_1(rows jsonb) RETURNS void LANGUAGE plpgsql "
    "AS $body$ BEGIN END $body$",
)


@contextmanager
def without_locks(using: str) -> Iterator[None]:
    """Let PostgreSQL's functions lock nothing, inside the block."""
    if connections[using].vendor != "postgresql":
        yield
        return
    _execute(using, _LOCK_NOTHING)
    try:
        yield
    finally:
        _execute(using, LOCKS.values())


def _execute(using: str, statements: Iterable[str]) -> None:
    with connections[using].cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)

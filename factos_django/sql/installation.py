"""Puts functions, triggers and indexes into a database, and tells which are missing there."""

from __future__ import annotations

from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

from factos_django.sql.append_only import SQLITE_SWITCH, triggers
from factos_django.sql.metadata_index import metadata_indexes
from factos_django.sql.postgresql import FUNCTIONS

__all__ = ["install", "missing", "uninstall"]

_PRESENT = {
    "postgresql": (
        "SELECT t.tgname FROM pg_trigger t WHERE t.tgrelid IN (to_regclass('factos_event'), "
        "to_regclass('factos_tag'), to_regclass('factos_idempotencykey')) AND t.tgenabled IN ('O', 'A') "
        "UNION SELECT p.proname FROM pg_proc p WHERE p.proname LIKE 'factos!_%' ESCAPE '!' "
        "AND pg_function_is_visible(p.oid) "
        "UNION SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
        "WHERE i.indrelid = to_regclass('factos_event') AND i.indisvalid"
    ),
    "mysql": (
        "SELECT trigger_name FROM information_schema.triggers WHERE trigger_schema = database() "
        "AND trigger_name LIKE 'factos!_%' ESCAPE '!' "
        "UNION SELECT index_name FROM information_schema.statistics WHERE table_schema = database() "
        "AND table_name = 'factos_event'"
    ),
    "sqlite": (
        "SELECT name FROM sqlite_master WHERE name LIKE 'factos!_%' ESCAPE '!' "
        "AND (type IN ('trigger', 'index') OR name = 'factos_switch')"
    ),
}

_OURS = (
    "SELECT oid::regprocedure::text FROM pg_proc WHERE proname LIKE 'factos!_%' ESCAPE '!' "
    "AND pg_function_is_visible(oid)"
)


def missing(connection: BaseDatabaseWrapper) -> dict[str, tuple[str, ...]]:
    """Return what the database of ``connection`` lacks, by name, with the statements that make it."""
    if connection.vendor not in _PRESENT:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_PRESENT[connection.vendor])
        present = {row[0] for row in cursor.fetchall()}
    return {name: made for name, made in _wanted(connection.vendor).items() if name not in present}


def install(connection: BaseDatabaseWrapper) -> None:
    """Make what is missing. It changes nothing that is there: a new body comes under a new name.

    So processes of an older release, which call the older names, go on while a deployment rolls.
    """
    with connection.cursor() as cursor:
        for statements in missing(connection).values():
            for statement in statements:
                cursor.execute(statement)


def uninstall(connection: BaseDatabaseWrapper) -> None:
    """Drop all that ``install`` makes, and has ever made, but for indexes, which go with their table."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(_OURS)  # those of older versions, too
            for (function,) in cursor.fetchall():
                cursor.execute(f"DROP FUNCTION {function} CASCADE")  # with the triggers
            return
        for name in triggers(connection.vendor):
            kind = "TABLE" if name == SQLITE_SWITCH else "TRIGGER"
            cursor.execute(f"DROP {kind} IF EXISTS {name}")


def _wanted(vendor: str) -> dict[str, tuple[str, ...]]:
    functions: dict[str, Any] = {name: (body,) for name, body in FUNCTIONS.items()}
    return triggers(vendor) | metadata_indexes(vendor) | (functions if vendor == "postgresql" else {})

"""What is judged over a connection: the database that holds the log."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from django.core.checks import CheckMessage, Error, Warning
from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.loader import MigrationLoader

from factos_django.checks.settings import unsupported
from factos_django.checks.statements import row_of, value_of
from factos_django.core.event_types import EVENT_TYPES
from factos_django.guards.log import isolation_expression
from factos_django.sql.installation import missing

__all__ = ["DATABASE_CHECKS", "judged_version"]


def judged_version(connection: BaseDatabaseWrapper) -> Iterator[CheckMessage]:
    """Judge what the database is, and its version."""
    if connection.vendor not in ("sqlite", "postgresql", "mysql"):
        return  # said by check_settings
    if connection.vendor == "mysql" and not connection.mysql_is_mariadb:  # type: ignore[attr-defined]
        yield unsupported(connection.alias, "MySQL")
        return
    least = {"sqlite": (3, 37), "postgresql": (14,), "mysql": (10, 6)}[connection.vendor]
    found = connection.get_database_version()
    if found < least:
        yield unsupported(connection.alias, f"{connection.display_name} {'.'.join(map(str, found))}")


def _isolation(connection: BaseDatabaseWrapper) -> Iterator[CheckMessage]:
    source = {"postgresql": "current_setting('transaction_isolation')"}
    if connection.vendor == "mysql":
        source["mysql"] = isolation_expression(connection)
    if connection.vendor not in source:
        return
    with transaction.atomic(using=connection.alias):  # psycopg sets the level of OPTIONS at BEGIN
        found = str(value_of(connection, f"SELECT {source[connection.vendor]}")).lower().replace("-", " ")
    if found not in ("read committed", "read uncommitted" if connection.vendor == "postgresql" else ""):
        text = f"Database {connection.alias!r} runs at {found.upper()}: a check can read an old snapshot."
        yield Error(
            text,
            hint="Remove isolation_level from its OPTIONS, or set it to READ COMMITTED.",
            id="factos.E002",
        )


def _missing(connection: BaseDatabaseWrapper) -> Iterator[CheckMessage]:
    # While our migrations are not all applied, something is missing, and an error would stop migrate.
    if _is_migrated(connection) and (names := sorted(missing(connection))):
        yield Error(
            f"Database {connection.alias!r} lacks {', '.join(names)}, which guard the log.",
            hint=f"manage.py migrate factos --database {connection.alias} --skip-checks puts them back.",
            id="factos.E003",
        )


def _is_migrated(connection: BaseDatabaseWrapper) -> bool:
    loader = MigrationLoader(connection)
    return set(loader.graph.leaf_nodes("factos")) <= set(loader.applied_migrations)


def _characters(connection: BaseDatabaseWrapper) -> Iterator[CheckMessage]:
    if connection.vendor != "mysql":
        return
    if (found := value_of(connection, "SELECT @@character_set_client")) != "utf8mb4":
        text = f"The connection to {connection.alias!r} speaks {found}, which lacks characters of tags."
        yield Error(text, hint='Set "charset": "utf8mb4" in its OPTIONS.', id="factos.E006")


def _rights(connection: BaseDatabaseWrapper) -> Iterator[CheckMessage]:
    if connection.vendor == "postgresql" and not _may_lock(connection):
        yield Warning(
            f"The role of {connection.alias!r} may not take every lock that an append can need.",
            hint="Grant UPDATE on factos_gate and factos_guard; USAGE, SELECT on factos_event_position_seq.",
            id="factos.W006",
        )


def _may_lock(connection: BaseDatabaseWrapper) -> bool:
    tables = "has_table_privilege('factos_gate', 'UPDATE') AND has_table_privilege('factos_guard', 'UPDATE')"
    sequence = "'factos_event_position_seq'"
    rights = f"has_sequence_privilege({sequence}, 'USAGE') AND has_sequence_privilege({sequence}, 'SELECT')"
    return bool(value_of(connection, f"SELECT {tables} AND {rights}"))


def _sequence(connection: BaseDatabaseWrapper) -> Iterator[CheckMessage]:
    if connection.vendor != "postgresql" or not _may_lock(connection):
        return
    facts = row_of(
        connection,
        "SELECT (SELECT max(position) FROM factos_event) > last_value - (NOT is_called)::int, "
        "seqcache <> 1 OR seqincrement <> 1 "
        "FROM factos_event_position_seq, pg_sequence WHERE seqrelid = 'factos_event_position_seq'::regclass",
    )
    if facts[0]:
        hint = "SELECT setval('factos_event_position_seq', (SELECT max(position) FROM factos_event))"
        yield Error(
            f"The sequence of {connection.alias!r} stands behind the log.", hint=hint, id="factos.E005"
        )
    if facts[1]:
        hint = "ALTER SEQUENCE factos_event_position_seq INCREMENT 1 CACHE 1"
        yield Error(f"The sequence of {connection.alias!r} skips or caches.", hint=hint, id="factos.E005")


def _journal(connection: BaseDatabaseWrapper) -> Iterator[CheckMessage]:
    if connection.vendor == "sqlite" and value_of(connection, "PRAGMA journal_mode") not in ("wal", "memory"):
        hint = 'Add "init_command": "PRAGMA journal_mode=WAL;" to its OPTIONS.'
        text = f"Readers of {connection.alias!r} wait for its writers: it does not use a write-ahead log."
        yield Warning(text, hint=hint, id="factos.W003")


def _types(connection: BaseDatabaseWrapper) -> Iterator[CheckMessage]:
    known = {each.name for each in EVENT_TYPES}
    if vanished := sorted(set(_stored_types(connection)) - known):
        yield Warning(
            f"The log of {connection.alias!r} holds {', '.join(vanished)}, for which no class is registered.",
            hint="Decorate one with @event_type and import its module in <app>/factos.py.",
            id="factos.W004",
        )


def _stored_types(connection: BaseDatabaseWrapper) -> Iterator[str]:
    """Yield the type names in the log by hopping over the index, one probe a type."""
    last = ""
    while last is not None:
        found = row_of(connection, "SELECT min(type) FROM factos_event WHERE type > %s", [last])[0]
        if found is None:
            return
        yield (last := found)


#: Each judges one thing about a database whose version is fine and that holds our tables.
DATABASE_CHECKS: tuple[Callable[[BaseDatabaseWrapper], Iterator[CheckMessage]], ...] = (
    _isolation,
    _characters,
    _missing,
    _rights,
    _sequence,
    _journal,
    _types,
)

"""System checks: what would make the log unsafe or surprising, said before it does.

``factos.E001`` an impossible setting; ``E002`` isolation; ``E003`` missing triggers or functions;
``E004`` an unsupported database; ``E005`` a sequence that does not draw one by one, or stands behind the
log; ``E006`` a connection that cannot carry every character; ``E007`` psycopg2 in place of psycopg 3;
``W001`` an unknown setting; ``W002`` SQLite without IMMEDIATE; ``W003`` SQLite without WAL; ``W004``
event types in the log that no class is registered for; ``W005`` facts that are not flushed to disk at
commit (on SQLite only ``synchronous=OFF``; ``NORMAL`` can lose the last of them when the power fails);
``W006`` a role without the rights that the locks need; ``W007`` a database that a crash can leave broken;
``W008`` a projection that needs a rebuild; ``W009`` a projection whose table is missing; ``W010`` a key
of a projection that MariaDB compares otherwise than byte for byte; ``W011`` a projection whose tables are in
no database with a log. Those that need a connection run under the database tag (``check --database``).
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import connections, router, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.loader import MigrationLoader

from factos_django.conf import PREFIX, Defaults, refusal
from factos_django.core.errors import FactosError
from factos_django.core.event_types import EVENT_TYPES
from factos_django.guards import guard_name
from factos_django.guards.log import isolation_expression
from factos_django.models import Event, ProjectionState
from factos_django.projections.absence import absent_tables
from factos_django.projections.declaration import Projection
from factos_django.projections.keyed import KeyedRows
from factos_django.projections.states import needs_rebuild, new_state, state_of
from factos_django.registry import PROJECTIONS
from factos_django.sql.installation import missing

__all__ = ["check_database", "check_settings", "register_checks"]

_KNOWN = sorted(name for name in vars(Defaults) if name.isupper())


def register_checks() -> None:
    """Register the checks with Django."""
    register(check_settings)
    register(check_database, Tags.database)


def check_settings(app_configs: Any, **_: Any) -> list[CheckMessage]:
    """Judge FACTOS_* and DATABASES without opening a connection."""
    messages = [message for name in dir(settings) if name.startswith(PREFIX) for message in _setting(name)]
    messages += _guarded_aliases()
    logs = [alias for alias in connections if router.allow_migrate_model(alias, Event)]
    for alias in logs:
        messages += [*_guard(alias), *_configuration(connections[alias])]
    return [*messages, *_without_log(logs)]


def check_database(app_configs: Any, databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Judge the databases named, over a connection to each."""
    messages: list[CheckMessage] = []
    for alias in databases or ():
        connection = connections[alias]
        if not router.allow_migrate_model(alias, Event):
            continue
        if unsupported := [*_version(connection)]:
            messages += unsupported
        elif Event._meta.db_table in connection.introspection.table_names():
            messages += [message for check in _DATABASE_CHECKS for message in check(connection)]
    return messages


def _setting(name: str) -> Iterator[CheckMessage]:
    short = name.removeprefix(PREFIX)
    if short not in _KNOWN:
        close = difflib.get_close_matches(short, _KNOWN, n=1)
        hint = f"Did you mean {PREFIX}{close[0]}?" if close else "Remove it, or see the settings in the docs."
        yield Warning(f"{name} is no setting of factos_django.", hint=hint, id="factos.W001")
    elif reason := refusal(short, getattr(settings, name)):
        hint = f"The default is {getattr(Defaults, short)!r}."
        yield Error(
            f"{name} = {getattr(settings, name)!r} was refused: {reason}.", hint=hint, id="factos.E001"
        )


def _guard(alias: str) -> Iterator[CheckMessage]:
    try:
        guard_name(alias)
    except FactosError as error:
        yield Error(str(error), hint="Set FACTOS_GUARD to auto, or to a mapping by alias.", id="factos.E001")


def _guarded_aliases() -> Iterator[CheckMessage]:
    chosen = getattr(settings, f"{PREFIX}GUARD", None)
    for alias in chosen if isinstance(chosen, Mapping) else ():
        if alias not in connections:
            hint = f"The aliases are {', '.join(connections)}."
            yield Error(f"FACTOS_GUARD names {alias!r}, which is no database.", hint=hint, id="factos.E001")


def _configuration(connection: BaseDatabaseWrapper) -> Iterator[CheckMessage]:
    options = connection.settings_dict.get("OPTIONS") or {}
    alias = connection.alias
    if connection.vendor == "sqlite" and str(options.get("transaction_mode", "")).upper() != "IMMEDIATE":
        yield Warning(
            f"Transactions on {alias!r} begin DEFERRED: one that reads before it appends can fail at once.",
            hint='Add "transaction_mode": "IMMEDIATE" to its OPTIONS.',
            id="factos.W002",
        )
    if connection.vendor == "postgresql" and connection.Database.__name__ == "psycopg2":  # type: ignore[attr-defined]
        yield Error(
            f"Database {alias!r} is reached by psycopg2, which cannot copy facts in as psycopg 3 does.",
            hint='Install "factos-django[postgres]"; Django prefers psycopg 3 where it is installed.',
            id="factos.E007",
        )
    if connection.vendor not in ("sqlite", "postgresql", "mysql"):
        yield _unsupported(alias, connection.vendor)


def _unsupported(alias: str, what: str) -> CheckMessage:
    return Error(
        f"Database {alias!r} is {what}, on which factos_django was never proven.",
        hint="Use SQLite 3.37, PostgreSQL 14 or MariaDB 10.6, or newer, and route factos there.",
        id="factos.E004",
    )


def _version(connection: BaseDatabaseWrapper) -> Iterator[CheckMessage]:
    if connection.vendor not in ("sqlite", "postgresql", "mysql"):
        return  # said by check_settings
    if connection.vendor == "mysql" and not connection.mysql_is_mariadb:  # type: ignore[attr-defined]
        yield _unsupported(connection.alias, "MySQL")
        return
    least = {"sqlite": (3, 37), "postgresql": (14,), "mysql": (10, 6)}[connection.vendor]
    found = connection.get_database_version()
    if found < least:
        yield _unsupported(connection.alias, f"{connection.display_name} {'.'.join(map(str, found))}")


def _isolation(connection: BaseDatabaseWrapper) -> Iterator[CheckMessage]:
    source = {"postgresql": "current_setting('transaction_isolation')"}
    if connection.vendor == "mysql":
        source["mysql"] = isolation_expression(connection)
    if connection.vendor not in source:
        return
    with transaction.atomic(using=connection.alias):  # psycopg sets the level of OPTIONS at BEGIN
        found = str(_value(connection, f"SELECT {source[connection.vendor]}")).lower().replace("-", " ")
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
    if (found := _value(connection, "SELECT @@character_set_client")) != "utf8mb4":
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
    return bool(_value(connection, f"SELECT {tables} AND {rights}"))


def _sequence(connection: BaseDatabaseWrapper) -> Iterator[CheckMessage]:
    if connection.vendor != "postgresql" or not _may_lock(connection):
        return
    facts = _row(
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
    if connection.vendor == "sqlite" and _value(connection, "PRAGMA journal_mode") not in ("wal", "memory"):
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
        found = _row(connection, "SELECT min(type) FROM factos_event WHERE type > %s", [last])[0]
        if found is None:
            return
        yield (last := found)


@dataclass(frozen=True, slots=True)
class _Weakness:
    """A setting at which a crash does harm; ``sql`` gives its value then, and no row otherwise."""

    id: str
    name: str
    sql: str
    harm: str
    hint: str


_LATE = "Whoever follows the log from another database may then have seen facts that are gone."
_AT_ONCE = "Set it to 1 in the configuration of the server."
_WEAKNESSES = {
    "postgresql": (
        _Weakness(
            "factos.W005",
            "synchronous_commit",
            "SELECT setting FROM pg_settings WHERE name = 'synchronous_commit' AND setting = 'off'",
            "the server can lose acknowledged facts, of up to three wal_writer_delay (by default 0.6 s)",
            f"Set it to on, for the server, the role or in OPTIONS. {_LATE}",
        ),
        _Weakness(
            "factos.W007",
            "fsync",
            "SELECT setting FROM pg_settings WHERE name = 'fsync' AND setting = 'off'",
            "the machine can leave the database broken",
            "Set fsync to on in the configuration of the server.",
        ),
        _Weakness(
            "factos.W007",
            "full_page_writes",
            "SELECT setting FROM pg_settings WHERE name = 'full_page_writes' AND setting = 'off'",
            "the machine can leave the database broken",
            "Set it to on, unless the file system never writes a half of a page: then silence this warning.",
        ),
    ),
    "mysql": (
        _Weakness(
            "factos.W005",
            "innodb_flush_log_at_trx_commit",
            "SELECT @@innodb_flush_log_at_trx_commit FROM dual WHERE @@innodb_flush_log_at_trx_commit = 0",
            "the server can lose acknowledged facts, of about innodb_flush_log_at_timeout (by default 1 s)",
            f"{_AT_ONCE} {_LATE}",
        ),
        _Weakness(
            "factos.W005",
            "innodb_flush_log_at_trx_commit",
            "SELECT @@innodb_flush_log_at_trx_commit FROM dual WHERE @@innodb_flush_log_at_trx_commit = 2",
            "the machine can lose acknowledged facts, of about innodb_flush_log_at_timeout (by default 1 s)",
            f"{_AT_ONCE} {_LATE}",
        ),
        _Weakness(
            "factos.W005",
            "sync_binlog",
            "SELECT @@sync_binlog FROM dual WHERE @@log_bin AND @@sync_binlog <> 1",
            "the machine can lose acknowledged facts that its binary log does not hold yet",
            f"{_AT_ONCE} {_LATE}",
        ),
    ),
    "sqlite": (
        _Weakness(
            "factos.W005",
            "PRAGMA synchronous",
            "SELECT synchronous FROM pragma_synchronous WHERE synchronous = 0",
            "the machine can lose acknowledged facts, and break the database",
            'Put "PRAGMA synchronous=NORMAL;", which can lose the last facts, or FULL into init_command.',
        ),
    ),
}


def _crashes(connection: BaseDatabaseWrapper) -> Iterator[CheckMessage]:
    for weakness in _WEAKNESSES.get(connection.vendor, ()):
        if (found := _value(connection, weakness.sql)) is not None:
            yield Warning(
                f"A crash of {weakness.harm}: {weakness.name} = {found} on {connection.alias!r}.",
                hint=weakness.hint,
                id=weakness.id,
            )


def _projections(connection: BaseDatabaseWrapper) -> Iterator[CheckMessage]:
    if absent_tables([ProjectionState], connection.alias):
        return  # its migration comes later
    for projection in PROJECTIONS:
        if projection.takes_part(connection.alias):
            missing = absent_tables(projection.feed.models, connection.alias)
            yield from _without_tables(projection, missing, connection.alias)
            yield from _stale(projection, connection.alias)
            yield from () if missing else _inexact_keys(projection, connection)


def _without_tables(projection: Projection, missing: list[str], alias: str) -> Iterator[CheckMessage]:
    if missing:  # a warning: an error would stop the migrate that makes them
        yield Warning(
            f"Projection {projection.name} writes {', '.join(missing)}, which {alias!r} does not have.",
            hint="manage.py makemigrations and migrate, or let a router keep these models elsewhere.",
            id="factos.W009",
        )


def _without_log(logs: Sequence[str]) -> Iterator[CheckMessage]:
    for projection in PROJECTIONS:
        if not any(projection.takes_part(alias) for alias in logs):
            yield Warning(
                f"Projection {projection.name} gets no fact: its tables are in no database with a log.",
                hint="Rows commit with what was folded: let the project's routers keep both in one database.",
                id="factos.W011",
            )


def _stale(projection: Projection, alias: str) -> Iterator[CheckMessage]:
    state = state_of(projection.name, alias) or new_state(projection, alias)
    if needs_rebuild(projection, state):
        yield Warning(
            f"Projection {projection.name} on {alias!r} needs a rebuild: its rows are of other code.",
            hint=f"manage.py rebuild_projections {projection.name}",
            id="factos.W008",
        )


def _inexact_keys(projection: Projection, connection: BaseDatabaseWrapper) -> Iterator[CheckMessage]:
    if connection.vendor != "mysql" or not isinstance(projection.feed, KeyedRows):
        return
    shape = projection.feed.shape
    collations = dict(_rows(connection, _COLLATIONS, [shape.model._meta.db_table]))
    for column in shape.keys:
        collation = collations.get(column.column)
        if collation and not collation.endswith("_nopad_bin"):
            yield Warning(
                f"{shape.model._meta.label}.{column.name} on {connection.alias!r}, a key of projection "
                f"{projection.name}, is compared by {collation}: two keys that it takes for one stop it.",
                hint="Make it a factos_django.models.fields.ExactCharField.",
                id="factos.W010",
            )


# Of text. A UUID is char(32) on older servers: hexadecimal digits, of one case.
_COLLATIONS = (
    "SELECT column_name, collation_name FROM information_schema.columns "
    "WHERE table_schema = database() AND table_name = %s AND data_type <> 'char'"
)


def _rows(connection: BaseDatabaseWrapper, sql: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return list(cursor.fetchall())


def _row(connection: BaseDatabaseWrapper, sql: str, parameters: Sequence[Any] = ()) -> tuple[Any, ...]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return tuple(cursor.fetchone() or (None,))


def _value(connection: BaseDatabaseWrapper, sql: str) -> Any:
    return _row(connection, sql)[0]


_DATABASE_CHECKS: tuple[Callable[[BaseDatabaseWrapper], Iterator[CheckMessage]], ...] = (
    _isolation,
    _characters,
    _missing,
    _rights,
    _sequence,
    _journal,
    _types,
    _crashes,
    _projections,
)

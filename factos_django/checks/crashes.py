"""What a crash can take, or break, as the database is set."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.core.checks import CheckMessage, Warning
from django.db.backends.base.base import BaseDatabaseWrapper

from factos_django.checks.statements import value_of

__all__ = ["judged_crashes"]


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


def judged_crashes(connection: BaseDatabaseWrapper) -> Iterator[CheckMessage]:
    """Judge the settings by which a database writes to disk."""
    for weakness in _WEAKNESSES.get(connection.vendor, ()):
        if (found := value_of(connection, weakness.sql)) is not None:
            yield Warning(
                f"A crash of {weakness.harm}: {weakness.name} = {found} on {connection.alias!r}.",
                hint=weakness.hint,
                id=weakness.id,
            )

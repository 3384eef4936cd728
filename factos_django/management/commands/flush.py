"""Django's flush, which test cases call by name, for a project whose log is append-only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core import mail
from django.core.management.base import CommandError, CommandParser
from django.core.management.commands.flush import Command as DjangoFlush
from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from factos_django.models import Event
from factos_django.sql.append_only import CLOSE_SWITCH, MAKE_SQLITE_SWITCH, OPEN_SWITCH

__all__ = ["Command"]


class Command(DjangoFlush):
    """Empties every table, as Django's does, and the log with them.

    The triggers of the log are open to it alone: for its session, and while it runs. Where the
    database is no test database and facts exist, it refuses unless told ``--erase-facts``.
    """

    def add_arguments(self, parser: CommandParser) -> None:
        """Add ``--erase-facts`` to Django's arguments."""
        super().add_arguments(parser)
        parser.add_argument(
            "--erase-facts",
            action="store_true",
            help="Erase the recorded facts of a database that is no test database.",
        )

    def handle(self, **options: Any) -> None:
        """Flush, with the triggers open where there are any."""
        connection = connections[options["database"]]
        if not _has_log(connection):
            super().handle(**options)
            return
        if not options.pop("erase_facts", False) and not _is_test_database(connection):
            _refuse_to_lose_facts(connection)
        with _opened(connection):
            super().handle(**options)


def _has_log(connection: BaseDatabaseWrapper) -> bool:
    return Event._meta.db_table in connection.introspection.table_names()


def _refuse_to_lose_facts(connection: BaseDatabaseWrapper) -> None:
    if Event.objects.using(connection.alias).exists():
        raise CommandError(
            f"Database {connection.alias!r} holds facts, and flush would erase them for ever. "
            "If that is what you want, add --erase-facts."
        )


def _is_test_database(connection: BaseDatabaseWrapper) -> bool:
    """Tell whether Django's test machinery made this database: by its name, and by the runner being there."""
    name = str(connection.settings_dict["NAME"])
    made = str(connection.settings_dict["TEST"].get("NAME") or "")
    in_memory = connection.vendor == "sqlite" and connection.is_in_memory_db()  # type: ignore[attr-defined]
    named = in_memory or name.rpartition("/")[2].startswith("test_") or (made != "" and name.startswith(made))
    return named and hasattr(mail, "outbox")  # setup_test_environment() makes the outbox


@contextmanager
def _opened(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Open the switch that the triggers read."""
    if connection.vendor == "sqlite":  # a row there, which the rollback of this transaction takes back
        with transaction.atomic(using=connection.alias):
            _execute(connection, MAKE_SQLITE_SWITCH)
            _execute(connection, OPEN_SWITCH["sqlite"])
            yield
            _execute(connection, CLOSE_SWITCH["sqlite"])
        return
    _execute(connection, OPEN_SWITCH[connection.vendor])
    try:
        yield
    finally:
        # An error inside a transaction makes Django refuse statements; this one must run all the same.
        broken, connection.needs_rollback = connection.needs_rollback, False
        try:
            _execute(connection, CLOSE_SWITCH[connection.vendor])
        finally:
            connection.needs_rollback = broken


def _execute(connection: BaseDatabaseWrapper, sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)

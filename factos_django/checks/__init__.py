"""System checks: what would make the log unsafe or surprising, said before it does.

``factos.E001`` an impossible setting; ``E002`` isolation; ``E003`` missing triggers or functions;
``E004`` an unsupported database; ``E005`` a sequence that does not draw one by one, or stands behind the
log; ``E006`` a connection that cannot carry every character; ``E007`` psycopg2 in place of psycopg 3;
``E008`` an app that the REST API needs is missing; ``E009`` FACTOS_API_PERMISSIONS names no such class;
``W001`` an unknown setting; ``W002`` SQLite without IMMEDIATE; ``W003`` SQLite without WAL; ``W004``
event types in the log that no class is registered for; ``W005`` facts that are not flushed to disk at
commit (on SQLite only ``synchronous=OFF``; ``NORMAL`` can lose the last of them when the power fails);
``W006`` a role without the rights that the locks need; ``W007`` a database that a crash can leave broken;
``W008`` a projection that needs a rebuild; ``W009`` a projection whose table is missing; ``W010`` a key
of a projection that MariaDB compares otherwise than byte for byte; ``W011`` a projection whose tables are in
no database with a log; ``W012`` an effect type without a handler; ``W013`` effects in the outbox that nobody
delivers; ``W014`` a handler that may run longer than its lease; ``W015`` a Celery that accepts pickle;
``W016`` RabbitMQ without confirmations; ``W017`` a REST API that is open to anyone. Those that need a
connection run under the database tag (``check --database``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Tags, register
from django.db import connections, router

from factos_django.checks.api import judged_api
from factos_django.checks.crashes import judged_crashes
from factos_django.checks.databases import DATABASE_CHECKS, judged_version
from factos_django.checks.effects import judged_broker, judged_handlers, judged_outbox
from factos_django.checks.projections import judged_projections, without_log
from factos_django.checks.settings import judged_configuration, judged_guard, judged_settings
from factos_django.models import Event

__all__ = ["check_api", "check_database", "check_settings", "register_checks"]

_CHECKS = (*DATABASE_CHECKS, judged_crashes, judged_projections, judged_outbox)


def register_checks() -> None:
    """Register the checks with Django."""
    register(check_settings)
    register(check_api, Tags.urls)
    register(check_database, Tags.database)


def check_settings(app_configs: Any, **_: Any) -> list[CheckMessage]:
    """Judge FACTOS_*, DATABASES, projections and handlers, without opening a connection."""
    messages = [*judged_settings()]
    logs = [alias for alias in connections if router.allow_migrate_model(alias, Event)]
    for alias in logs:
        messages += [*judged_guard(alias), *judged_configuration(connections[alias])]
    return [*messages, *without_log(logs), *judged_handlers(), *judged_broker()]


def check_api(app_configs: Any, **_: Any) -> list[CheckMessage]:
    """Judge the REST API, where its addresses are included."""
    return [*judged_api()]


def check_database(app_configs: Any, databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Judge the databases named, over a connection to each."""
    messages: list[CheckMessage] = []
    for alias in databases or ():
        connection = connections[alias]
        if not router.allow_migrate_model(alias, Event):
            continue
        if unsupported := [*judged_version(connection)]:
            messages += unsupported
        elif Event._meta.db_table in connection.introspection.table_names():
            messages += [message for check in _CHECKS for message in check(connection)]
    return messages

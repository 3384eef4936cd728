"""What is judged without a connection: FACTOS_* and DATABASES."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from factos_django.conf import PREFIX, Defaults, refusal
from factos_django.core.errors import FactosError
from factos_django.guards import guard_name

__all__ = ["judged_configuration", "judged_guard", "judged_settings", "unsupported"]

_KNOWN = sorted(name for name in vars(Defaults) if name.isupper())


def judged_settings() -> Iterator[CheckMessage]:
    """Judge FACTOS_*."""
    for name in dir(settings):
        if name.startswith(PREFIX):
            yield from _setting(name)
    yield from _guarded_aliases()


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


def _guarded_aliases() -> Iterator[CheckMessage]:
    chosen = getattr(settings, f"{PREFIX}GUARD", None)
    for alias in chosen if isinstance(chosen, Mapping) else ():
        if alias not in connections:
            hint = f"The aliases are {', '.join(connections)}."
            yield Error(f"FACTOS_GUARD names {alias!r}, which is no database.", hint=hint, id="factos.E001")


def judged_guard(alias: str) -> Iterator[CheckMessage]:
    """Judge the guard that a database gets."""
    try:
        guard_name(alias)
    except FactosError as error:
        yield Error(str(error), hint="Set FACTOS_GUARD to auto, or to a mapping by alias.", id="factos.E001")


def judged_configuration(connection: BaseDatabaseWrapper) -> Iterator[CheckMessage]:
    """Judge what DATABASES says of a connection."""
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
        yield unsupported(alias, connection.vendor)


def unsupported(alias: str, what: str) -> CheckMessage:
    """Return the message about a database on which nothing was proven."""
    return Error(
        f"Database {alias!r} is {what}, on which factos_django was never proven.",
        hint="Use SQLite 3.37, PostgreSQL 14 or MariaDB 10.6, or newer, and route factos there.",
        id="factos.E004",
    )

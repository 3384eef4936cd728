"""Columns that mean the same on every database, and in every project."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils import timezone

__all__ = ["ExactCharField", "MomentField"]

# MariaDB's default collations say 'A' = 'a' and 'e' = 'é', and even utf8mb4_bin says 'a' = 'a '.
_COLLATIONS = {"postgresql": "C", "sqlite": "BINARY", "mysql": "utf8mb4_nopad_bin"}


class ExactCharField(models.CharField):  # type: ignore[type-arg]  # django-stubs: generic, not at run time
    """A CharField in which case, accents, trailing spaces and every emoji count."""

    def db_parameters(self, connection: BaseDatabaseWrapper) -> dict[str, Any]:
        """Return the parameters of CharField with the collation of the vendor."""
        parameters: dict[str, Any] = dict(super().db_parameters(connection))
        return parameters | {"collation": self.db_collation or _COLLATIONS.get(connection.vendor)}


class MomentField(models.DateTimeField):  # type: ignore[type-arg]  # as above
    """A DateTimeField of aware moments in UTC, in a project without time zones (USE_TZ=False), too."""

    def get_db_prep_value(self, value: Any, connection: BaseDatabaseWrapper, prepared: bool = False) -> Any:
        """Return the parameter; without time zones Django takes no aware moment to SQLite and MariaDB."""
        if isinstance(value, datetime) and not settings.USE_TZ and connection.vendor != "postgresql":
            value = timezone.make_naive(value, UTC)
        return super().get_db_prep_value(value, connection, prepared)

    def select_format(self, compiler: Any, sql: str, params: Any) -> Any:
        """Let PostgreSQL tell it in UTC: the session's own zone has hours that come twice."""
        is_postgresql = compiler.connection.vendor == "postgresql"
        return (f"({sql} AT TIME ZONE 'UTC')" if is_postgresql else sql), params

    def from_db_value(self, value: Any, *_: Any) -> Any:
        """Return the moment, aware and in UTC. (In a database with a TIME_ZONE Django tells it in that.)"""
        return value and (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(UTC)

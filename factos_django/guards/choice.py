"""Which guard a database gets."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import connections

from factos_django.conf import conf
from factos_django.core.errors import InvalidSetting
from factos_django.guards.contract import Guard
from factos_django.guards.log import LogGuardByRow
from factos_django.guards.tags import LockedTags

__all__ = ["guard_for", "guard_name"]


def guard_name(using: str) -> str:
    """Return ``log`` or ``tags`` for the database ``using``, by FACTOS_GUARD and its vendor."""
    setting = conf.GUARD
    chosen = setting.get(using, "auto") if isinstance(setting, Mapping) else setting
    on_postgresql = connections[using].vendor == "postgresql"
    if chosen == "tags" and not on_postgresql:
        reason = f"database {using!r} is no PostgreSQL, which alone has the locks; use log or auto"
        raise InvalidSetting(name="FACTOS_GUARD", value=chosen, reason=reason)
    if chosen == "auto":
        return "tags" if on_postgresql else "log"
    return chosen


def guard_for(using: str) -> Guard:
    """Return the guard of the database ``using``."""
    return LockedTags() if guard_name(using) == "tags" else LogGuardByRow()

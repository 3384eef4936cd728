"""Locks on rows that inline projections write, for whoever is no append."""

from __future__ import annotations

import json

from django.db import connections

from factos_django.conf import lock_timeout_milliseconds
from factos_django.guards.log import LogGuardByRow

__all__ = ["hold_rows"]


def hold_rows(names: list[str], using: str) -> None:
    """Wait until no append writes the rows ``names``, and keep all from it until the transaction ends.

    On PostgreSQL other appends go on, but for those to the whole log; elsewhere the guard row is held.
    """
    if connections[using].vendor != "postgresql":
        LogGuardByRow().hold(using)
        return
    with connections[using].cursor() as cursor:
        cursor.execute(
            "SELECT factos_hold_rows_2(%s, %s)", [json.dumps(names), str(lock_timeout_milliseconds())]
        )

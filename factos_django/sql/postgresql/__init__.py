"""The functions that an append calls on PostgreSQL: locks, check, positions and rows in one call.

All are VOLATILE PL/pgSQL, because each statement inside such a function takes a new snapshot; a
STABLE function, or one statement that both locks and reads, would read what was true before the
wait. Names carry a version: a new body gets a new name, and the old one stays for a release, so that
old processes keep working while a deployment rolls.
"""

from __future__ import annotations

from factos_django.sql.postgresql.calls import CALLS
from factos_django.sql.postgresql.columns import EVENT_COLUMNS
from factos_django.sql.postgresql.constants import (
    GUARD_LOCKS,
    KEY_LOCKS,
    MARK_LOCKS,
    MOST_CONFLICTS,
    MOST_LOCKS_OF_TRANSACTION,
    ROW_LOCKS,
    SEQUENCE_BEHIND,
    STANDBY,
    WRONG_ISOLATION,
)
from factos_django.sql.postgresql.head import HEAD
from factos_django.sql.postgresql.insertion import INSERTION
from factos_django.sql.postgresql.locks import LOCKS
from factos_django.sql.postgresql.matching import MATCHING
from factos_django.sql.postgresql.repetition import REPETITION

__all__ = [
    "EVENT_COLUMNS",
    "FUNCTIONS",
    "GUARD_LOCKS",
    "KEY_LOCKS",
    "MARK_LOCKS",
    "MOST_CONFLICTS",
    "MOST_LOCKS_OF_TRANSACTION",
    "ROW_LOCKS",
    "SEQUENCE_BEHIND",
    "STANDBY",
    "WRONG_ISOLATION",
]

#: Each function by its name, in an order in which they can be made.
FUNCTIONS: dict[str, str] = LOCKS | MATCHING | REPETITION | INSERTION | CALLS | HEAD

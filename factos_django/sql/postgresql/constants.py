"""Numbers that the functions and the code that calls them share."""

from __future__ import annotations

__all__ = [
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

#: The first half of the two-part keys of our advisory locks; large, so that they are unlikely the
#: application's own. The second half is a hash, or the low 32 bits of a position.
GUARD_LOCKS = 1_178_682_113
KEY_LOCKS = 1_178_682_114
MARK_LOCKS = 1_178_682_115
ROW_LOCKS = 1_178_682_116

#: How many of these locks one transaction takes before it takes the whole log instead. The lock table
#: is the whole cluster's: max_locks_per_transaction (64) times max_connections (100), as installed.
MOST_LOCKS_OF_TRANSACTION = 512

#: How many conflicting positions a refused append tells (positions), on every database.
MOST_CONFLICTS = 100

#: SQLSTATEs that our functions raise. Class FX is nobody's.
WRONG_ISOLATION = "FX001"
SEQUENCE_BEHIND = "FX002"
STANDBY = "FX003"

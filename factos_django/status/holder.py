"""Who holds the stable head back: on PostgreSQL the open append with the lowest mark, elsewhere nobody."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connections

from factos_django.sql.postgresql.constants import MARK_LOCKS

__all__ = ["Holder", "holder"]


@dataclass(frozen=True, slots=True)
class Holder:
    """A transaction that has appended, and is still open.

    What the role may not see of the sessions of other roles is None.

    Attributes:
        position: Nothing above it is below the head while it is open.
        pid: Its server process; None for a prepared transaction.
        seconds: How long ago the transaction began.
        state: What the session does, as PostgreSQL says it: ``active``, ``idle in transaction``, ...
        application_name: What the session calls itself.
        query: The statement that it runs, or ran last; of a prepared transaction, how it was prepared.
    """

    position: int
    pid: int | None
    seconds: float | None
    state: str | None
    application_name: str | None
    query: str | None


# Keys hold 32 bits of a position; see factos_head, which measures the distance in the same way.
_HOLDER = f"""
SELECT drawn - distance, mark.pid,
    extract(epoch FROM clock_timestamp() - coalesce(session.xact_start, prepared.prepared))::float8,
    session.state, session.application_name,
    coalesce(session.query, 'PREPARE TRANSACTION ' || quote_literal(prepared.gid))
FROM (
    SELECT pid, virtualtransaction, drawn,
        ((drawn - objid::bigint) % 4294967296 + 4294967296 + 2147483648) % 4294967296 - 2147483648 AS distance
    FROM pg_locks, (SELECT last_value - (NOT is_called)::int AS drawn FROM factos_event_position_seq) AS s
    WHERE locktype = 'advisory' AND classid = {MARK_LOCKS} AND objsubid = 2
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND pid IS DISTINCT FROM pg_backend_pid()
) AS mark
LEFT JOIN pg_stat_activity AS session ON session.pid = mark.pid
LEFT JOIN pg_locks AS own
    ON mark.pid IS NULL AND own.pid IS NULL AND own.locktype = 'transactionid'
    AND own.virtualtransaction = mark.virtualtransaction
LEFT JOIN pg_prepared_xacts AS prepared ON prepared.transaction = own.transactionid
WHERE distance > 0 ORDER BY distance DESC, mark.pid LIMIT 1
"""


def holder(using: str) -> Holder | None:
    """Return who holds the head of ``using`` back, or None. One's own open append is left out."""
    if connections[using].vendor != "postgresql":
        return None
    with connections[using].cursor() as cursor:
        cursor.execute(_HOLDER)
        found = cursor.fetchone()
    return Holder(*found) if found else None

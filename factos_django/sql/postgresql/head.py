"""The stable head on PostgreSQL."""

from __future__ import annotations

from factos_django.sql.postgresql.constants import MARK_LOCKS

__all__ = ["HEAD"]

# Three reads, in this order: the sequence, then the marks, then (the caller's next statement) the rows.
# A mark that is not seen here is either taken later, and then its positions lie above the sequence's
# value, or was given up, and then its rows are visible to the caller's new snapshot. Prepared
# transactions have no pid. Keys hold 32 bits of a position: transactions that stay open while two
# thousand million positions are drawn would be misread.
_HEAD = f"""
CREATE OR REPLACE FUNCTION factos_head_1(
    OUT head bigint, OUT isolation text, OUT standby boolean
) LANGUAGE plpgsql VOLATILE AS $body$
DECLARE
    drawn bigint;
    distance bigint;
BEGIN
    isolation := current_setting('transaction_isolation');
    standby := pg_is_in_recovery();
    SELECT last_value - (NOT is_called)::int INTO drawn FROM factos_event_position_seq;
    SELECT max(((drawn - objid::bigint) % 4294967296 + 4294967296 + 2147483648) % 4294967296 - 2147483648)
        INTO distance
        FROM pg_locks
        WHERE locktype = 'advisory' AND classid = {MARK_LOCKS} AND objsubid = 2
          AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
          AND pid IS DISTINCT FROM pg_backend_pid();
    head := drawn - greatest(coalesce(distance, 0), 0);
END
$body$
"""

HEAD: dict[str, str] = {"factos_head_1": _HEAD}

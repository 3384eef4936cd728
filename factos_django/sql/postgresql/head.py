"""The stable head on PostgreSQL."""

from __future__ import annotations

from factos_django.sql.postgresql.constants import MARK_LOCKS

__all__ = ["HEAD"]

# Three reads, in this order: the sequence, then the marks, then the rows, each in a new snapshot. A mark that
# is not seen is either taken later, and then its positions lie above the sequence's value, or was given up,
# and then its rows are visible. So nothing can still appear below `stable`. What is told is the highest event
# up to there: that a position was drawn and rolled back is not durable, and after a crash it is drawn again.
# Prepared transactions have no pid. Keys hold 32 bits of a position: transactions that stay open while two
# thousand million positions are drawn would be misread.
_HEAD = f"""
CREATE OR REPLACE FUNCTION factos_head_2(
    OUT head bigint, OUT isolation text, OUT standby boolean
) LANGUAGE plpgsql VOLATILE AS $body$
DECLARE
    drawn bigint;
    distance bigint;
    stable bigint;
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
    stable := drawn - greatest(coalesce(distance, 0), 0);
    SELECT coalesce(max(position), 0) INTO head FROM factos_event WHERE position <= stable;
END
$body$
"""

HEAD: dict[str, str] = {"factos_head_2": _HEAD}

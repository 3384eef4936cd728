"""The functions of the ``tags`` guard, and the trigger function, on PostgreSQL.

All are VOLATILE PL/pgSQL, because each statement inside such a function takes a new snapshot; a
STABLE function, or one statement that both locks and reads, would read what was true before the
wait. Names carry a version: a new body gets a new name, so that old processes keep working while a
deployment rolls.
"""

from __future__ import annotations

__all__ = [
    "FUNCTIONS",
    "GUARD_LOCKS",
    "KEY_LOCKS",
    "MARK_LOCKS",
    "MOST_LOCKS_OF_TRANSACTION",
    "SEQUENCE_BEHIND",
    "STANDBY",
    "WRONG_ISOLATION",
]

#: The first half of the two-part keys of our advisory locks; large, so that they are unlikely the
#: application's own. The second half is a hash, or the low 32 bits of a position.
GUARD_LOCKS = 1_178_682_113
KEY_LOCKS = 1_178_682_114
MARK_LOCKS = 1_178_682_115

#: How many of these locks one transaction takes before it takes the whole log instead. The lock table
#: is the whole cluster's: max_locks_per_transaction (64) times max_connections (100), as installed.
MOST_LOCKS_OF_TRANSACTION = 512

#: SQLSTATEs that our functions raise. Class FX is nobody's.
WRONG_ISOLATION = "FX001"
SEQUENCE_BEHIND = "FX002"
STANDBY = "FX003"

# Counts what the transaction may hold, forgotten with the savepoint like the locks themselves; a tag that
# is locked twice counts twice, so before it says no it counts what is really held.
_ROOM = f"""
CREATE OR REPLACE FUNCTION factos_room_1(wanted integer) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $body$
DECLARE
    held integer := coalesce(nullif(current_setting('factos.held', true), ''), '0')::integer + wanted;
BEGIN
    IF held > {MOST_LOCKS_OF_TRANSACTION} THEN
        SELECT count(*) + wanted INTO held FROM pg_locks
        WHERE locktype = 'advisory' AND pid = pg_backend_pid() AND classid IN ({GUARD_LOCKS}, {KEY_LOCKS});
    END IF;
    IF held > {MOST_LOCKS_OF_TRANSACTION} THEN
        RETURN false;
    END IF;
    PERFORM set_config('factos.held', held::text, true);
    RETURN true;
END
$body$
"""

_HOLD = f"""
CREATE OR REPLACE FUNCTION factos_hold_1(
    whole_log boolean, keys text[], guards text[], shares text[], wait text
) RETURNS void LANGUAGE plpgsql VOLATILE AS $body$
DECLARE
    claimed record;
BEGIN
    IF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
        RAISE EXCEPTION '%', current_setting('transaction_isolation') USING ERRCODE = '{WRONG_ISOLATION}';
    END IF;
    IF pg_is_in_recovery() THEN  -- its advisory locks are its own, and guard nothing
        RAISE EXCEPTION 'a standby' USING ERRCODE = '{STANDBY}';
    END IF;
    PERFORM factos_bound_1(wait);
    IF whole_log OR NOT factos_room_1(cardinality(keys) + cardinality(guards) + cardinality(shares)) THEN
        LOCK TABLE factos_gate IN SHARE ROW EXCLUSIVE MODE;
        PERFORM set_config('factos.alone', 'on', true);
        RETURN;
    END IF;
    LOCK TABLE factos_gate IN ROW EXCLUSIVE MODE;
    FOR claimed IN
        SELECT DISTINCT hashtext(key COLLATE "C") AS hash FROM unnest(keys) AS key ORDER BY hash
    LOOP
        PERFORM pg_advisory_xact_lock({KEY_LOCKS}, claimed.hash);
    END LOOP;
    -- One sorted pass: two appends that take the same locks take them in the same order.
    FOR claimed IN
        SELECT hash, bool_or(is_guard) AS is_guard FROM (
            SELECT hashtext(tag COLLATE "C") AS hash, true AS is_guard FROM unnest(guards) AS tag
            UNION ALL SELECT hashtext(tag COLLATE "C"), false FROM unnest(shares) AS tag
        ) AS wanted GROUP BY hash ORDER BY hash
    LOOP
        IF claimed.is_guard THEN
            PERFORM pg_advisory_xact_lock({GUARD_LOCKS}, claimed.hash);
        ELSE
            PERFORM pg_advisory_xact_lock_shared({GUARD_LOCKS}, claimed.hash);
        END IF;
    END LOOP;
END
$body$
"""

# A refused share makes the whole function return NULL with nothing drawn or written: the caller
# rolls back and starts again. The mark must be held before the first position is drawn, since the
# head is the lowest mark; set_config(.., true) forgets it with the savepoint that gives it up.
_RECORD = f"""
CREATE OR REPLACE FUNCTION factos_record_1(
    shares text[], ids uuid[], types text[], versions smallint[], payloads text[], metadatas text[],
    decisions text[], tag_lists text[], moment timestamptz,
    tag_ordinals integer[], tag_values text[], tag_types text[]
) RETURNS bigint[] LANGUAGE plpgsql VOLATILE AS $body$
DECLARE
    alone boolean;
    claimed record;
    highest bigint;
    mark bigint;
    positions bigint[];
BEGIN
    alone := coalesce(current_setting('factos.alone', true), '') = 'on';
    IF NOT alone AND NOT factos_room_1(cardinality(shares)) THEN
        RETURN NULL;
    END IF;
    FOR claimed IN
        SELECT DISTINCT hashtext(tag COLLATE "C") AS hash FROM unnest(shares) AS tag
        WHERE NOT alone ORDER BY hash
    LOOP
        IF NOT pg_try_advisory_xact_lock_shared({GUARD_LOCKS}, claimed.hash) THEN
            RETURN NULL;
        END IF;
    END LOOP;
    IF coalesce(current_setting('factos.mark', true), '') = '' THEN
        SELECT coalesce(max(position), 0) INTO highest FROM factos_event;
        SELECT last_value - (NOT is_called)::int INTO mark FROM factos_event_position_seq;
        IF highest > mark THEN
            RAISE EXCEPTION '%', mark USING ERRCODE = '{SEQUENCE_BEHIND}';
        END IF;
        PERFORM pg_advisory_xact_lock_shared(
            {MARK_LOCKS}, ((mark % 4294967296 + 2147483648) % 4294967296 - 2147483648)::integer);
        PERFORM set_config('factos.mark', mark::text, true);
    END IF;
    positions := ARRAY(
        SELECT nextval('factos_event_position_seq') FROM generate_series(1, cardinality(ids)));
    INSERT INTO factos_event (position, id, type, version, data, metadata, decision, tags, recorded_at)
    SELECT position, id, type, version, payload::jsonb, metadata::jsonb, decision::jsonb,
           tag_list::jsonb, moment
    FROM unnest(positions, ids, types, versions, payloads, metadatas, decisions, tag_lists)
        AS proposed (position, id, type, version, payload, metadata, decision, tag_list);
    INSERT INTO factos_tag (event_id, value, type)
    SELECT positions[ordinal], value, type
    FROM unnest(tag_ordinals, tag_values, tag_types) AS tagged (ordinal, value, type);
    RETURN positions;
END
$body$
"""

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

# The limit stays for the reads and inserts to come: they can wait for somebody's ALTER TABLE.
_BOUND = """
CREATE OR REPLACE FUNCTION factos_bound_1(wait text) RETURNS void LANGUAGE plpgsql VOLATILE AS $body$
BEGIN
    IF coalesce(current_setting('factos.lock_timeout_before', true), '') = '' THEN
        PERFORM set_config('factos.lock_timeout_before', current_setting('lock_timeout'), true);
    END IF;
    PERFORM set_config('lock_timeout', wait, true);
END
$body$
"""

# Gives the caller of a nested append the lock timeout back that was replaced.
_UNBOUND = """
CREATE OR REPLACE FUNCTION factos_unbound_1() RETURNS record LANGUAGE sql VOLATILE AS $body$
    SELECT set_config('lock_timeout', coalesce(
        nullif(current_setting('factos.lock_timeout_before', true), ''), current_setting('lock_timeout')
    ), true), set_config('factos.lock_timeout_before', '', true)
$body$
"""

FUNCTIONS: dict[str, str] = {
    "factos_room_1": _ROOM,
    "factos_hold_1": _HOLD,
    "factos_record_1": _RECORD,
    "factos_head_1": _HEAD,
    "factos_bound_1": _BOUND,
    "factos_unbound_1": _UNBOUND,
}

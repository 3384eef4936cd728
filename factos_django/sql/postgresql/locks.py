"""The locks of the guard ``tags``: the gate, the keys, the tags that a decision names, and inline rows.

Here and beside it: what is assigned or tested as a plain expression costs PL/pgSQL a tenth of a statement,
so results that nobody wants go into a variable, where PERFORM would be usual.
"""

from __future__ import annotations

from factos_django.sql.postgresql.constants import (
    GUARD_LOCKS,
    KEY_LOCKS,
    MOST_LOCKS_OF_TRANSACTION,
    ROW_LOCKS,
    STANDBY,
    WRONG_ISOLATION,
)

__all__ = ["LOCKS"]

# Counts what the transaction may hold, forgotten with the savepoint like the locks themselves; a tag that
# is locked twice counts twice, so before it says no it counts what is really held.
_ROOM = f"""
CREATE OR REPLACE FUNCTION factos_room_3(wanted integer) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $body$
DECLARE
    held integer := coalesce(nullif(current_setting('factos.held', true), ''), '0')::integer + wanted;
    unwanted text;
BEGIN
    IF held > {MOST_LOCKS_OF_TRANSACTION} THEN
        SELECT count(*) + wanted INTO held FROM pg_locks
        WHERE locktype = 'advisory' AND pid = pg_backend_pid()
            AND classid IN ({GUARD_LOCKS}, {KEY_LOCKS}, {ROW_LOCKS});
    END IF;
    IF held > {MOST_LOCKS_OF_TRANSACTION} THEN
        RETURN false;
    END IF;
    unwanted := set_config('factos.held', held::text, true);
    RETURN true;
END
$body$
"""

# What is to be locked, as one number each: a key or a guard, the hash, exclusive or shared. Sorted, these are
# keys, then guards, each exclusive before shared, and then it is not asked for again. 2^31 lifts every hash
# above 0, 2^32 more make it a guard, and the last bit says shared.
_CLAIMED = """
CREATE OR REPLACE FUNCTION factos_claimed_1(request jsonb, items jsonb) RETURNS bigint[]
LANGUAGE plpgsql VOLATILE AS $body$
DECLARE
    claimed bigint[] := '{}';
BEGIN
    FOR place IN 0 .. jsonb_array_length(request -> 'keys') - 1 LOOP
        claimed := claimed || (hashtext((request -> 'keys' ->> place) COLLATE "C") + 2147483648) * 2;
    END LOOP;
    FOR place IN 0 .. coalesce(jsonb_array_length(items), 0) - 1 LOOP
        claimed := claimed || (hashtext((items -> place #>> '{tags,0}') COLLATE "C") + 6442450944) * 2;
    END LOOP;
    FOR place IN 0 .. jsonb_array_length(request -> 'shares') - 1 LOOP
        claimed := claimed || (hashtext((request -> 'shares' ->> place) COLLATE "C") + 6442450944) * 2 + 1;
    END LOOP;
    IF cardinality(claimed) > 1 THEN
        RETURN ARRAY(SELECT claim FROM unnest(claimed) AS claim ORDER BY claim);
    END IF;
    RETURN claimed;
END
$body$
"""

# The first tag of an item is its guard. Two appends that take the same locks take them in the same order. It
# is a loop, for one statement over all of them takes twice as long as all these locks.
_HOLD = f"""
CREATE OR REPLACE FUNCTION factos_hold_4(request jsonb, items jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE AS $body$
DECLARE
    held integer[] := coalesce(nullif(current_setting('factos.holds', true), ''), '{{}}');
    claim bigint;
    before bigint := -1;
    hash integer;
    unwanted text;
BEGIN
    IF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
        RAISE EXCEPTION '%', current_setting('transaction_isolation') USING ERRCODE = '{WRONG_ISOLATION}';
    END IF;
    IF pg_is_in_recovery() THEN  -- its advisory locks are its own, and guard nothing
        RAISE EXCEPTION 'a standby' USING ERRCODE = '{STANDBY}';
    END IF;
    IF (request ->> 'whole_log')::boolean OR NOT factos_room_3(
        jsonb_array_length(request -> 'keys') + coalesce(jsonb_array_length(items), 0)
            + jsonb_array_length(request -> 'shares') + jsonb_array_length(request -> 'rows')
    ) THEN
        LOCK TABLE factos_gate IN SHARE ROW EXCLUSIVE MODE;
        unwanted := set_config('factos.alone', 'on', true);
        RETURN;
    END IF;
    LOCK TABLE factos_gate IN ROW EXCLUSIVE MODE;
    FOREACH claim IN ARRAY factos_claimed_1(request, items) LOOP
        CONTINUE WHEN claim IS NULL OR claim / 2 = before;  -- an item without a tag has no lock
        before := claim / 2;
        hash := before % 4294967296 - 2147483648;
        IF before < 4294967296 THEN
            unwanted := pg_advisory_xact_lock({KEY_LOCKS}, hash) IS NULL;
            CONTINUE;
        END IF;
        IF claim % 2 = 0 THEN
            unwanted := pg_advisory_xact_lock({GUARD_LOCKS}, hash) IS NULL;
        ELSE
            unwanted := pg_advisory_xact_lock_shared({GUARD_LOCKS}, hash) IS NULL;
        END IF;
        held := held || hash;
    END LOOP;
    unwanted := set_config('factos.holds', held::text, true);
END
$body$
"""

# Waits for nobody: who holds locks already must not queue for more of them out of order. What the transaction
# holds it does not ask for again: a lock that is held exclusively is refused shared while others wait for it.
_SHARE = f"""
CREATE OR REPLACE FUNCTION factos_share_2(tags jsonb, rows jsonb) RETURNS boolean
LANGUAGE plpgsql VOLATILE AS $body$
DECLARE
    held integer[] := coalesce(nullif(current_setting('factos.holds', true), ''), '{{}}');
    hash integer;
BEGIN
    IF current_setting('factos.alone', true) = 'on' THEN
        RETURN true;
    END IF;
    IF NOT factos_room_3(jsonb_array_length(tags) + jsonb_array_length(rows)) THEN
        RETURN false;
    END IF;
    FOR place IN 0 .. jsonb_array_length(tags) - 1 LOOP
        hash := hashtext((tags ->> place) COLLATE "C");
        IF hash <> ALL (held) AND NOT pg_try_advisory_xact_lock_shared({GUARD_LOCKS}, hash) THEN
            RETURN false;
        END IF;
    END LOOP;
    RETURN true;
END
$body$
"""

# The rows that inline projections will write, after every other lock and before a position is drawn: whoever
# holds one waits for no other lock of his append, so this wait ends. `factos_hold` counted them.
_ROWS = f"""
CREATE OR REPLACE FUNCTION factos_rows_1(rows jsonb) RETURNS void LANGUAGE plpgsql VOLATILE AS $body$
BEGIN
    IF jsonb_array_length(rows) = 0 OR current_setting('factos.alone', true) = 'on' THEN
        RETURN;
    END IF;
    PERFORM FROM (
        SELECT DISTINCT hashtext(row_name COLLATE "C") AS hash
        FROM jsonb_array_elements_text(rows) AS row_name ORDER BY hash OFFSET 0
    ) AS sorted WHERE pg_advisory_xact_lock({ROW_LOCKS}, hash) IS NOT NULL;
END
$body$
"""

LOCKS: dict[str, str] = {
    "factos_room_3": _ROOM,
    "factos_claimed_1": _CLAIMED,
    "factos_hold_4": _HOLD,
    "factos_share_2": _SHARE,
    "factos_rows_1": _ROWS,
}

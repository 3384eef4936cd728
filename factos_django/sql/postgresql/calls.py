"""The calls of the store: append what is known; read a context and hold it; record a decision.

Outcomes are returned, not raised: what is raised breaks a transaction off.
"""

from __future__ import annotations

from factos_django.sql.postgresql.lines import EVENT_LINE

__all__ = ["CALLS", "MOST_CONFLICTS"]

#: How many conflicting positions a refused append tells (positions).
MOST_CONFLICTS = 100

# What a function sets so is put back when it is left (PostgreSQL's manual, CREATE FUNCTION), in the caller's
# transaction too: `wait`, the limit of every wait inside, replaces that of lock_timeout. And plans are made
# once a session, for any values, from indexes alone: every statement inside is written for that. Left to
# itself PostgreSQL plans each call anew, which takes longer than running it, or keeps a plan that was good
# while the tables were empty.
_SETTINGS = (
    "SET lock_timeout = 0 SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off"
)

# All locks first, in one pass, for all tags are known. Then repetitions, before any condition: a
# repetition would fail on what it recorded itself.
_APPEND = f"""
CREATE OR REPLACE FUNCTION factos_append_1(
    whole_log boolean, keys text[], items jsonb, shares text[], wait text,
    key text, fingerprint text, ids uuid[], above bigint, wanted integer, events jsonb, moment timestamptz,
    OUT outcome text, OUT positions bigint[]
) LANGUAGE plpgsql VOLATILE
{_SETTINGS} AS $body$
DECLARE
    narrowed jsonb;
BEGIN
    PERFORM set_config('lock_timeout', wait, true);
    narrowed := factos_narrow_1(items);
    PERFORM factos_hold_1(whole_log, keys, narrowed, shares);
    IF key IS NOT NULL AND EXISTS (SELECT FROM factos_idempotencykey WHERE idempotency_key = key) THEN
        outcome := 'known key';
        RETURN;
    END IF;
    IF cardinality(ids) > 0 AND EXISTS (SELECT FROM factos_event WHERE id = ANY (ids)) THEN
        outcome := 'known ids';
        RETURN;
    END IF;
    IF narrowed IS NOT NULL THEN
        positions := factos_matching_1(narrowed, above, {MOST_CONFLICTS});
        IF cardinality(positions) > 0 THEN
            outcome := 'conflict';
            RETURN;
        END IF;
    END IF;
    positions := factos_insert_1(wanted, events, NULL, moment);
    IF key IS NOT NULL THEN
        PERFORM factos_insert_key_1(key, fingerprint, positions, 0, moment);
    END IF;
    outcome := 'recorded';
END
$body$
"""

# Gives a line an event; a key that is known comes back as one line of nothing.
_CONTEXT = f"""
CREATE OR REPLACE FUNCTION factos_context_1(
    whole_log boolean, keys text[], items jsonb, shares text[], wait text, key text
) RETURNS SETOF text LANGUAGE plpgsql VOLATILE
{_SETTINGS} AS $body$
DECLARE
    narrowed jsonb;
    positions bigint[];
BEGIN
    PERFORM set_config('lock_timeout', wait, true);
    narrowed := factos_narrow_1(items);
    PERFORM factos_hold_1(whole_log, keys, narrowed, shares);
    IF key IS NOT NULL AND EXISTS (SELECT FROM factos_idempotencykey WHERE idempotency_key = key) THEN
        RETURN NEXT NULL;
        RETURN;
    END IF;
    positions := factos_matching_1(narrowed, 0, NULL);
    RETURN QUERY SELECT {EVENT_LINE}
    FROM factos_event e WHERE e.position = ANY (positions) ORDER BY e.position;
END
$body$
"""

# A refused share leaves nothing drawn or written: the caller rolls back and starts again.
_RECORD = f"""
CREATE OR REPLACE FUNCTION factos_record_1(
    shares text[], wait text, key text, fingerprint text, ids uuid[], seen bigint, wanted integer,
    events jsonb, decision jsonb, moment timestamptz,
    OUT outcome text, OUT positions bigint[]
) LANGUAGE plpgsql VOLATILE
{_SETTINGS} AS $body$
BEGIN
    PERFORM set_config('lock_timeout', wait, true);
    IF cardinality(ids) > 0 AND EXISTS (SELECT FROM factos_event WHERE id = ANY (ids)) THEN
        outcome := 'known ids';
        RETURN;
    END IF;
    IF NOT factos_share_1(shares) THEN
        outcome := 'refused';
        RETURN;
    END IF;
    positions := factos_insert_1(wanted, events, decision, moment);
    IF key IS NOT NULL THEN
        PERFORM factos_insert_key_1(key, fingerprint, positions, seen, moment);
    END IF;
    outcome := 'recorded';
END
$body$
"""

# The guard ``log``: the gate, and the row for those who look at it, made where a flush has removed it.
_HOLD_ROW = f"""
CREATE OR REPLACE FUNCTION factos_hold_row_1(row_id integer, wait text) RETURNS void
LANGUAGE plpgsql VOLATILE
{_SETTINGS} AS $body$
BEGIN
    PERFORM set_config('lock_timeout', wait, true);
    PERFORM factos_hold_1(true, '{{}}', NULL, '{{}}');
    PERFORM FROM factos_guard WHERE id = row_id FOR UPDATE;
    IF NOT FOUND THEN
        INSERT INTO factos_guard (id, holds) VALUES (row_id, 0) ON CONFLICT (id) DO NOTHING;
        PERFORM FROM factos_guard WHERE id = row_id FOR UPDATE;
    END IF;
END
$body$
"""

CALLS: dict[str, str] = {
    "factos_hold_row_1": _HOLD_ROW,
    "factos_append_1": _APPEND,
    "factos_context_1": _CONTEXT,
    "factos_record_1": _RECORD,
}

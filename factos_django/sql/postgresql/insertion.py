"""Drawing positions and inserting facts: what happens after every lock is held."""

from __future__ import annotations

from factos_django.sql.postgresql.constants import MARK_LOCKS, SEQUENCE_BEHIND

__all__ = ["INSERTION"]

# The mark must be held before the first position is drawn, since the head is the lowest mark;
# set_config(.., true) forgets it with the savepoint that gives it up.
_DRAW = f"""
CREATE OR REPLACE FUNCTION factos_draw_1(wanted integer) RETURNS bigint[] LANGUAGE plpgsql VOLATILE AS $body$
DECLARE
    highest bigint;
    mark bigint;
    unwanted text;
BEGIN
    IF coalesce(current_setting('factos.mark', true), '') = '' THEN
        SELECT last_value - (NOT is_called)::int, (SELECT max(position) FROM factos_event)
            INTO mark, highest FROM factos_event_position_seq;
        IF highest > mark THEN
            RAISE EXCEPTION '%', mark USING ERRCODE = '{SEQUENCE_BEHIND}';
        END IF;
        unwanted := pg_advisory_xact_lock_shared(
            {MARK_LOCKS}, ((mark % 4294967296 + 2147483648) % 4294967296 - 2147483648)::integer) IS NULL;
        unwanted := set_config('factos.mark', mark::text, true);
    END IF;
    IF wanted = 1 THEN
        RETURN ARRAY[nextval('factos_event_position_seq')];
    END IF;
    RETURN ARRAY(SELECT nextval('factos_event_position_seq') FROM generate_series(1, wanted));
END
$body$
"""

# The tables are locked before a position is drawn: who waits for somebody's CREATE INDEX holds no head back.
# Without events (NULL) it only draws, and the caller copies them in.
_INSERT = """
CREATE OR REPLACE FUNCTION factos_insert_2(
    request jsonb, events jsonb, decision jsonb, moment timestamptz
) RETURNS bigint[] LANGUAGE plpgsql VOLATILE AS $body$
DECLARE
    positions bigint[] := '{}';
    unwanted text;
BEGIN
    IF request ->> 'key' IS NOT NULL THEN
        LOCK TABLE factos_idempotencykey IN ROW EXCLUSIVE MODE;
    END IF;
    IF (request ->> 'count')::integer > 0 THEN
        LOCK TABLE factos_event, factos_tag IN ROW EXCLUSIVE MODE;
        positions := factos_draw_1((request ->> 'count')::integer);
    END IF;
    IF events IS NOT NULL AND positions <> '{}' THEN
        unwanted := factos_insert_events_2(positions, events, decision, moment);
    END IF;
    IF request ->> 'key' IS NOT NULL THEN
        INSERT INTO factos_idempotencykey (idempotency_key, fingerprint, positions, position, recorded_at)
        VALUES (
            request ->> 'key', request ->> 'digest', to_jsonb(positions),
            coalesce(positions[cardinality(positions)], (request ->> 'seen')::bigint), moment
        );
    END IF;
    RETURN positions;
END
$body$
"""

# One statement, which reads the JSON once.
_INSERT_EVENTS = """
CREATE OR REPLACE FUNCTION factos_insert_events_2(
    positions bigint[], events jsonb, decision jsonb, moment timestamptz
) RETURNS void LANGUAGE plpgsql VOLATILE AS $body$
BEGIN
    WITH inserted AS (
        INSERT INTO factos_event (position, id, type, version, data, metadata, decision, tags, recorded_at)
        SELECT positions[place], id, type, version, data, metadata, decision, tags, moment
        FROM ROWS FROM (jsonb_to_recordset(events) AS (
            id uuid, type text, version smallint, data jsonb, metadata jsonb, tags jsonb
        )) WITH ORDINALITY AS proposed (id, type, version, data, metadata, tags, place)
        RETURNING position, type, tags
    )
    INSERT INTO factos_tag (event_id, value, type)
    SELECT position, tag, type FROM inserted, jsonb_array_elements_text(tags) AS tag;
END
$body$
"""

INSERTION: dict[str, str] = {
    "factos_draw_1": _DRAW,
    "factos_insert_events_2": _INSERT_EVENTS,
    "factos_insert_2": _INSERT,
}

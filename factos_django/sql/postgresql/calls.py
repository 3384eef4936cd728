"""The calls of the store: append what is known; read a context and hold it; record a decision.

A request is JSON: the ``items`` of a query (null: none), ``after``, and ``most`` rows to read (null: all);
``whole_log``, or ``keys`` and ``shares`` to lock, and ``wait`` in milliseconds; ``key``, ``digest`` and
``ids``, by which a repetition is known, ``seen``, the position of a context, and the ``count`` of events;
``rows``, the names of the rows that inline projections will write. Outcomes are returned, not raised:
what is raised breaks a transaction off.
"""

from __future__ import annotations

from factos_django.sql.postgresql.columns import EVENT_COLUMNS
from factos_django.sql.postgresql.constants import MOST_CONFLICTS

__all__ = ["CALLS"]

# What a function sets so is put back when it is left (PostgreSQL's manual, CREATE FUNCTION), in the caller's
# transaction too: `wait`, the limit of every wait inside, replaces that of lock_timeout. And plans are made
# once a session, for any values, from indexes alone: every statement inside is written for that. Left to
# itself PostgreSQL plans each call anew, which takes longer than running it, or keeps a plan that was good
# while the tables were empty.
_SETTINGS = (
    "SET lock_timeout = 0 SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off"
)

# An outcome, with the positions that it is about.
_DONE = """
CREATE OR REPLACE FUNCTION factos_done_1(outcome text, positions bigint[]) RETURNS text
LANGUAGE sql VOLATILE AS $body$
    SELECT format('{"outcome":"%s","positions":%s}', outcome, to_json(positions))
$body$
"""

# All locks first, in one pass, for all tags are known. Then repetitions, before any condition: a
# repetition would fail on what it recorded itself.
_APPEND = f"""
CREATE OR REPLACE FUNCTION factos_append_3(request jsonb, events jsonb, moment timestamptz) RETURNS text
LANGUAGE plpgsql VOLATILE
{_SETTINGS} AS $body$
DECLARE
    items jsonb;
    positions bigint[];
    unwanted text;
BEGIN
    unwanted := set_config('lock_timeout', request ->> 'wait', true);
    items := factos_narrow_1(nullif(request -> 'items', 'null'));
    unwanted := factos_hold_4(request, items);
    IF factos_knows_key_1(request) THEN
        RETURN factos_done_1('known key', '{{}}');
    END IF;
    IF factos_knows_ids_1(request) THEN
        RETURN factos_done_1('known ids', '{{}}');
    END IF;
    IF items IS NOT NULL THEN
        positions := factos_matching_1(items, (request ->> 'after')::bigint, {MOST_CONFLICTS});
        IF cardinality(positions) > 0 THEN
            RETURN factos_done_1('conflict', positions);
        END IF;
    END IF;
    unwanted := factos_rows_1(request -> 'rows');
    RETURN factos_done_1('recorded', factos_insert_2(request, events, NULL, moment));
END
$body$
"""

# A key that is known comes back as one row of nothing.
_CONTEXT = f"""
CREATE OR REPLACE FUNCTION factos_context_4(request jsonb) RETURNS TABLE (
    "position" bigint, id uuid, type text, version smallint, recorded_at text, data text, metadata text,
    tags text
) LANGUAGE plpgsql VOLATILE
{_SETTINGS} AS $body$
#variable_conflict use_column
DECLARE
    items jsonb;
    positions bigint[];
    unwanted text;
BEGIN
    unwanted := set_config('lock_timeout', request ->> 'wait', true);
    items := factos_narrow_1(request -> 'items');
    unwanted := factos_hold_4(request, items);
    IF factos_knows_key_1(request) THEN
        RETURN NEXT;
        RETURN;
    END IF;
    positions := factos_matching_1(
        items, coalesce((request ->> 'after')::bigint, 0), (request ->> 'most')::integer
    );
    RETURN QUERY SELECT {EVENT_COLUMNS}
    FROM factos_event e WHERE e.position = ANY (positions) ORDER BY e.position;
END
$body$
"""

# A refused share leaves nothing drawn or written: the caller rolls back and starts again.
_RECORD = f"""
CREATE OR REPLACE FUNCTION factos_record_4(
    request jsonb, events jsonb, decision jsonb, moment timestamptz
) RETURNS text LANGUAGE plpgsql VOLATILE
{_SETTINGS} AS $body$
DECLARE
    unwanted text;
BEGIN
    unwanted := set_config('lock_timeout', request ->> 'wait', true);
    IF factos_knows_ids_1(request) THEN
        RETURN factos_done_1('known ids', '{{}}');
    END IF;
    IF NOT factos_share_2(request -> 'shares', request -> 'rows') THEN
        RETURN factos_done_1('refused', '{{}}');
    END IF;
    unwanted := factos_rows_1(request -> 'rows');
    RETURN factos_done_1('recorded', factos_insert_2(request, events, decision, moment));
END
$body$
"""

# The guard ``log``: the gate, and the row for those who look at it, made where a flush has removed it.
_HOLD_ROW = f"""
CREATE OR REPLACE FUNCTION factos_hold_row_3(row_id integer, wait text) RETURNS void
LANGUAGE plpgsql VOLATILE
{_SETTINGS} AS $body$
DECLARE
    unwanted text;
BEGIN
    unwanted := set_config('lock_timeout', wait, true);
    unwanted := factos_hold_4('{{"whole_log": true}}', NULL);
    PERFORM FROM factos_guard WHERE id = row_id FOR UPDATE;
    IF NOT FOUND THEN
        INSERT INTO factos_guard (id, holds) VALUES (row_id, 0) ON CONFLICT (id) DO NOTHING;
        PERFORM FROM factos_guard WHERE id = row_id FOR UPDATE;
    END IF;
END
$body$
"""

# For whoever writes rows of inline projections and is no append: as an append would, past the gate.
_HOLD_ROWS = f"""
CREATE OR REPLACE FUNCTION factos_hold_rows_2(rows jsonb, wait text) RETURNS void
LANGUAGE plpgsql VOLATILE
{_SETTINGS} AS $body$
DECLARE
    unwanted text;
BEGIN
    unwanted := set_config('lock_timeout', wait, true);
    unwanted := factos_hold_4(
        jsonb_build_object('keys', '[]'::jsonb, 'shares', '[]'::jsonb, 'rows', rows), NULL
    );
    unwanted := factos_rows_1(rows);
END
$body$
"""

CALLS: dict[str, str] = {
    "factos_done_1": _DONE,
    "factos_hold_row_3": _HOLD_ROW,
    "factos_hold_rows_2": _HOLD_ROWS,
    "factos_append_3": _APPEND,
    "factos_context_4": _CONTEXT,
    "factos_record_4": _RECORD,
}

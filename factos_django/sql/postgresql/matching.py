"""What matches a query: its items as JSON, ``[{"tags": [...], "types": [...]}]``; ``[]`` is everything."""

from __future__ import annotations

__all__ = ["MATCHING"]

# The first tag of an item is guarded, and read from. Any of them is right; a rare one makes fewer others
# wait. It counts few rows first, and never more than a thousand of a tag: all broad tags are alike.
_RAREST_FIRST = """
CREATE OR REPLACE FUNCTION factos_rarest_first_1(tags text[]) RETURNS text[]
LANGUAGE plpgsql VOLATILE AS $body$
DECLARE
    most integer;
    rarest text;
    fewest bigint;
BEGIN
    FOREACH most IN ARRAY ARRAY[10, 100, 1000] LOOP
        SELECT tag, counted.found INTO rarest, fewest
        FROM unnest(tags) WITH ORDINALITY AS named (tag, place), LATERAL (
            SELECT count(*) AS found FROM (SELECT FROM factos_tag WHERE value = tag LIMIT most) AS few
        ) AS counted
        ORDER BY counted.found, place LIMIT 1;
        EXIT WHEN fewest < most;
    END LOOP;
    RETURN rarest || array_remove(tags, rarest);
END
$body$
"""

_NARROW = """
CREATE OR REPLACE FUNCTION factos_narrow_1(items jsonb) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $body$
DECLARE
    item jsonb;
    narrowed jsonb := '[]';
BEGIN
    IF NOT coalesce(jsonb_path_exists(items, '$[*].tags[1]'), false) THEN
        RETURN items;
    END IF;
    FOR item IN SELECT value FROM jsonb_array_elements(items) LOOP
        IF jsonb_array_length(item -> 'tags') > 1 THEN
            item := jsonb_set(item, '{tags}', to_jsonb(factos_rarest_first_1(
                ARRAY(SELECT jsonb_array_elements_text(item -> 'tags'))
            )));
        END IF;
        narrowed := narrowed || jsonb_build_array(item);
    END LOOP;
    RETURN narrowed;
END
$body$
"""

# Each branch walks one range of one index, in the order of positions, and stops at `most`. PostgreSQL plans
# it without looking at the values, and would take any index that gives this order and filter by type: so the
# order asked for begins with the type, of which the comparison of rows leaves one, and only the right index
# has it.
_MATCHING = """
CREATE OR REPLACE FUNCTION factos_matching_1(items jsonb, above bigint, most integer)
RETURNS bigint[] LANGUAGE plpgsql VOLATILE AS $body$
DECLARE
    positions bigint[] := '{}';
BEGIN
    IF jsonb_array_length(items) = 0 THEN
        RETURN ARRAY(SELECT position FROM factos_event WHERE position > above ORDER BY position LIMIT most);
    END IF;
    FOR place IN 0 .. jsonb_array_length(items) - 1 LOOP
        positions := positions || factos_matching_item_1(items -> place, above, most);
    END LOOP;
    IF cardinality(positions) > 1 THEN
        RETURN ARRAY(SELECT DISTINCT p FROM unnest(positions) AS p ORDER BY p LIMIT most);
    END IF;
    RETURN positions;
END
$body$
"""

_MATCHING_ITEM = """
CREATE OR REPLACE FUNCTION factos_matching_item_1(item jsonb, above bigint, most integer)
RETURNS bigint[] LANGUAGE plpgsql VOLATILE AS $body$
DECLARE
    first text := item #>> '{tags,0}';
    others text[] := '{}';
    wanted text;
    positions bigint[] := '{}';
BEGIN
    FOR place IN 1 .. jsonb_array_length(item -> 'tags') - 1 LOOP
        others := others || (item -> 'tags' ->> place);
    END LOOP;
    IF jsonb_array_length(item -> 'types') = 0 THEN
        RETURN ARRAY(
            SELECT t.event_id FROM factos_tag t WHERE t.value = first AND t.event_id > above
            AND (others = '{}' OR factos_has_tags_1(t.event_id, t.type, others))
            ORDER BY t.event_id LIMIT most);
    END IF;
    FOR place IN 0 .. jsonb_array_length(item -> 'types') - 1 LOOP
        wanted := item -> 'types' ->> place;
        IF first IS NULL THEN
            positions := positions || ARRAY(
                SELECT e.position FROM factos_event e
                WHERE (e.type, e.position) > (wanted, above) AND e.type <= wanted
                ORDER BY e.type, e.position LIMIT most);
        ELSE
            positions := positions || ARRAY(
                SELECT t.event_id FROM factos_tag t
                WHERE t.value = first AND (t.type, t.event_id) > (wanted, above) AND t.type <= wanted
                AND (others = '{}' OR factos_has_tags_1(t.event_id, t.type, others))
                ORDER BY t.type, t.event_id LIMIT most);
        END IF;
    END LOOP;
    RETURN positions;
END
$body$
"""

_HAS_TAGS = """
CREATE OR REPLACE FUNCTION factos_has_tags_1(event bigint, event_type text, tags text[])
RETURNS boolean LANGUAGE plpgsql VOLATILE AS $body$
DECLARE
    tag text;
BEGIN
    FOREACH tag IN ARRAY tags LOOP
        PERFORM FROM factos_tag t WHERE t.value = tag AND t.type = event_type AND t.event_id = event;
        IF NOT FOUND THEN
            RETURN false;
        END IF;
    END LOOP;
    RETURN true;
END
$body$
"""

MATCHING: dict[str, str] = {
    "factos_rarest_first_1": _RAREST_FIRST,
    "factos_narrow_1": _NARROW,
    "factos_has_tags_1": _HAS_TAGS,
    "factos_matching_item_1": _MATCHING_ITEM,
    "factos_matching_1": _MATCHING,
}

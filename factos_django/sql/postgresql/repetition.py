"""Whether an append was recorded before: by its idempotency key, or by ids that the client gave."""

from __future__ import annotations

__all__ = ["REPETITION"]

_KNOWS_KEY = """
CREATE OR REPLACE FUNCTION factos_knows_key_1(request jsonb) RETURNS boolean
LANGUAGE plpgsql VOLATILE AS $body$
DECLARE
    key text := request ->> 'key';
BEGIN
    IF key IS NULL THEN
        RETURN false;
    END IF;
    RETURN EXISTS (SELECT FROM factos_idempotencykey WHERE idempotency_key = key);
END
$body$
"""

_KNOWS_IDS = """
CREATE OR REPLACE FUNCTION factos_knows_ids_1(request jsonb) RETURNS boolean
LANGUAGE plpgsql VOLATILE AS $body$
BEGIN
    IF jsonb_array_length(request -> 'ids') = 0 THEN
        RETURN false;
    END IF;
    RETURN EXISTS (
        SELECT FROM jsonb_array_elements_text(request -> 'ids') AS given (id), LATERAL (
            SELECT FROM factos_event e WHERE e.id = given.id::uuid LIMIT 1
        ) AS known);
END
$body$
"""

REPETITION: dict[str, str] = {"factos_knows_key_1": _KNOWS_KEY, "factos_knows_ids_1": _KNOWS_IDS}

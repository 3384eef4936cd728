"""Triggers that refuse to change or delete facts, and the switch by which ``flush`` opens them.

A raw INSERT is not refused: it is the database administrator's, and documented as such.
"""

from __future__ import annotations

__all__ = [
    "APPEND_ONLY_TABLES",
    "CLOSE_SWITCH",
    "MAKE_SQLITE_SWITCH",
    "OPEN_SWITCH",
    "SQLITE_SWITCH",
    "triggers",
]

#: Each append-only table with what is unique in it, as conditions on a NEW row (SQLite).
APPEND_ONLY_TABLES: dict[str, tuple[str, ...]] = {
    "factos_event": ("position = NEW.position", "id = NEW.id"),
    "factos_tag": ("id = NEW.id", "(value, type, event_id) = (NEW.value, NEW.type, NEW.event_id)"),
    "factos_idempotencykey": ("idempotency_key = NEW.idempotency_key", "rowid = NEW.rowid"),
}

_ADVICE = "facts are append-only: append a correcting fact; to empty a test database use manage.py flush"

#: The table whose row opens the triggers on SQLite, and what makes it.
SQLITE_SWITCH = "factos_switch"
MAKE_SQLITE_SWITCH = f"CREATE TABLE IF NOT EXISTS {SQLITE_SWITCH} (opened integer NOT NULL)"

#: Opened for one session (SQLite: one transaction) by the flush command alone.
OPEN_SWITCH: dict[str, str] = {
    "sqlite": "INSERT INTO factos_switch (opened) VALUES (1)",
    "postgresql": "SELECT set_config('factos.erase', 'on', false)",
    "mysql": "SET @factos_erase = 1",
}
CLOSE_SWITCH: dict[str, str] = {
    "sqlite": "DELETE FROM factos_switch",
    "postgresql": "SELECT set_config('factos.erase', '', false)",
    "mysql": "SET @factos_erase = NULL",
}


def triggers(vendor: str) -> dict[str, tuple[str, ...]]:
    """Return, by name, the statements that make the triggers of ``vendor`` and what they read."""
    made: dict[str, tuple[str, ...]] = {SQLITE_SWITCH: (MAKE_SQLITE_SWITCH,)} if vendor == "sqlite" else {}
    for table, unique in APPEND_ONLY_TABLES.items():
        made |= _MAKERS[vendor](table, unique) if vendor in _MAKERS else {}
    return made


def _postgresql(table: str, _unique: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    function = f"""
CREATE OR REPLACE FUNCTION factos_append_only_1() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    IF TG_OP <> 'UPDATE' AND coalesce(current_setting('factos.erase', true), '') = 'on' THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION '% of % refused: {_ADVICE}', TG_OP, TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END
$body$"""
    trigger = f"""
CREATE OR REPLACE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}
FOR EACH STATEMENT EXECUTE FUNCTION factos_append_only_1()"""
    return {f"{table}_append_only": (function, trigger)}


def _mysql(table: str, _unique: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    signal = f"SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = '{_ADVICE}'"
    return {
        f"{table}_no_update": (
            f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} FOR EACH ROW {signal}",
        ),
        f"{table}_no_delete": (
            f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} FOR EACH ROW "
            f"IF @factos_erase IS NULL THEN {signal}; END IF",
        ),
    }


def _sqlite(table: str, unique: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    refuse = f"BEGIN SELECT RAISE(ABORT, '{_ADVICE}'); END"
    same = " OR ".join(unique)
    return {
        f"{table}_no_update": (f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} {refuse}",),
        f"{table}_no_delete": (
            f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} "
            f"WHEN NOT EXISTS (SELECT 1 FROM factos_switch) {refuse}",
        ),
        # INSERT OR REPLACE deletes the old row without firing a delete trigger.
        f"{table}_no_replace": (
            f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} "
            f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {same}) {refuse}",
        ),
    }


_MAKERS = {"postgresql": _postgresql, "mysql": _mysql, "sqlite": _sqlite}

"""The indexes by which facts are found by what their metadata say: a correlation, a cause.

Only strings are indexed, and of them the first 255 characters: metadata may be longer than any index takes.
So who asks looks for the indexed value, and for the whole one in what it finds.
"""

from __future__ import annotations

from factos_django.core.metadata import CAUSATION_ID, CORRELATION_ID, KEY_MAX_LENGTH

__all__ = [
    "INDEXED_KEYS",
    "has_metadata",
    "indexed_expression",
    "indexed_part",
    "metadata_indexes",
    "order_of_index",
]

#: What facts are found by.
INDEXED_KEYS = (CORRELATION_ID, CAUSATION_ID)

# The value as it is indexed. PostgreSQL and SQLite index the expression: a query has to write it the same.
# SQLite's text may be no JSON at all, which must not keep anything else from being found.
_INDEXED = {
    "postgresql": "left({row}metadata ->> '{key}', {most})",
    "sqlite": (
        "CASE WHEN json_valid({row}metadata) "
        "THEN substr(json_extract({row}metadata, '$.{key}'), 1, {most}) END"
    ),
    "mysql": "{row}factos_{key}",
}
# The whole value, and that it is a string.
_EXACT = {
    # In coalesce(): of two equalities PostgreSQL thinks that they seldom meet, and sorts all that it finds.
    "postgresql": "coalesce({row}metadata -> '{key}' = to_jsonb(%s::text), false)",
    "sqlite": (
        "CASE WHEN json_valid({row}metadata) THEN json_type({row}metadata, '$.{key}') = 'text' "
        "AND json_extract({row}metadata, '$.{key}') = %s END"
    ),
    "mysql": (
        "JSON_TYPE(JSON_EXTRACT({row}metadata, '$.{key}')) = 'STRING' AND "
        "JSON_VALUE({row}metadata, '$.{key}') = %s COLLATE utf8mb4_nopad_bin"
    ),
}


def metadata_indexes(vendor: str) -> dict[str, tuple[str, ...]]:
    """Return, by name, the statements that make the indexes of ``vendor``.

    MariaDB indexes a column that is computed when it is read, and that no statement sees unless it names it.
    """
    return {_name(key): _MAKERS[vendor](key) for key in INDEXED_KEYS} if vendor in _MAKERS else {}


def has_metadata(vendor: str, key: str, value: str, *, by_index: bool) -> tuple[str, list[str]]:
    """Return the condition on a row ``e`` of the event table that ``key``, an indexed one, is ``value``.

    Without ``by_index`` it is one that no index answers: the rows are found by something else.
    """
    indexed = _filled(_INDEXED[vendor], key, row="e.")
    begins, exact = value[:KEY_MAX_LENGTH], _filled(_EXACT[vendor], key, row="e.")
    if not by_index:
        return exact, [value]
    if vendor == "mysql":  # see Slice.as_ranges
        return f"{indexed} >= %s AND {indexed} <= %s AND {exact}", [begins, begins, value]
    return f"{indexed} = %s AND {exact}", [begins, value]


def order_of_index(vendor: str, key: str) -> str:
    """Return by what a statement orders rows ``e`` to get them by the index of ``key``, before positions."""
    return _filled(_INDEXED[vendor], key, row="e.") if vendor == "mysql" else ""


def indexed_expression(vendor: str, key: str) -> str:
    """Return what the index of ``key`` holds of a row ``e`` of the event table, before its position."""
    return _filled(_INDEXED[vendor], key, row="e.")


def indexed_part(value: str) -> str:
    """Return what an index holds of ``value``. Facts of other values can hold the same."""
    return value[:KEY_MAX_LENGTH]


def _name(key: str) -> str:
    return f"factos_event_{key}"


def _filled(text: str, key: str, row: str = "") -> str:
    return text.format(row=row, key=key, most=KEY_MAX_LENGTH)


def _partial(vendor: str, key: str) -> tuple[str, ...]:
    value = _filled(_INDEXED[vendor], key)
    return (
        f"CREATE INDEX IF NOT EXISTS {_name(key)} ON factos_event (({value}), position) "
        f"WHERE ({value}) IS NOT NULL",
    )


def _postgresql(key: str) -> tuple[str, ...]:
    value = _filled(_INDEXED["postgresql"], key)
    # Of an expression it knows how many rows have a value only if it is told to look.
    looks = f"CREATE STATISTICS IF NOT EXISTS {_name(key)}_values ON ({value}) FROM factos_event"
    return (*_partial("postgresql", key), looks)


def _sqlite(key: str) -> tuple[str, ...]:
    return _partial("sqlite", key)


def _mysql(key: str) -> tuple[str, ...]:
    column = _filled(_INDEXED["mysql"], key)
    text = (
        f"IF(JSON_TYPE(JSON_EXTRACT(metadata, '$.{key}')) = 'STRING', "
        f"LEFT(JSON_VALUE(metadata, '$.{key}'), {KEY_MAX_LENGTH}), NULL)"
    )
    kind = f"VARCHAR({KEY_MAX_LENGTH}) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin"
    return (
        f"ALTER TABLE factos_event ADD COLUMN IF NOT EXISTS {column} {kind} "
        f"GENERATED ALWAYS AS ({text}) VIRTUAL INVISIBLE",
        f"CREATE INDEX IF NOT EXISTS {_name(key)} ON factos_event ({column}, position)",
    )


_MAKERS = {"postgresql": _postgresql, "mysql": _mysql, "sqlite": _sqlite}

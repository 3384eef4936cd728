"""The statements that write facts: the only ones in the app."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import chain
from typing import Any

from django.db import connections

from factos_django.core.event import Recorded
from factos_django.store.prepared import Prepared
from factos_django.store.rows import as_stored_time

__all__ = ["insert_events", "insert_key"]

_RECORD = (
    "SELECT factos_record_1(%s::text[], %s::uuid[], %s::text[], %s::smallint[], %s::text[], %s::text[], "
    "%s::text[], %s::text[], %s, %s::integer[], %s::text[], %s::text[])"
)
_INSERT_EVENTS = (
    "INSERT INTO factos_event (id, type, version, data, metadata, decision, tags, recorded_at) "
    "VALUES {rows} RETURNING position"
)
_INSERT_TAGS = "INSERT INTO factos_tag (event_id, value, type) VALUES {rows}"
_INSERT_KEY = (
    "INSERT INTO factos_idempotencykey (idempotency_key, fingerprint, positions, position, recorded_at) "
    "VALUES (%s, %s, %s, %s, %s)"
)

#: SQLite took 999 parameters a statement before 3.32; MariaDB's max_allowed_packet is 16 MiB, and a
#: character has up to 4 bytes, some of them escaped.
_ROWS_AT_ONCE = 100
_CHARACTERS_AT_ONCE = 1_500_000


def insert_events(
    prepared: Sequence[Prepared], decision: str | None, shares: frozenset[str], using: str
) -> tuple[Recorded[Any], ...] | None:
    """Store ``prepared`` with ``decision`` (JSON text) and return it as recorded.

    On PostgreSQL the tags ``shares`` are shared first, without waiting; None means that one of them
    was refused, and that nothing was drawn or written.
    """
    moment = datetime.now(UTC)
    insert = _INSERTERS.get(connections[using].vendor, _insert_under_log_guard)
    positions = insert(prepared, decision, shares, moment, using)
    if positions is None:
        return None
    return tuple(
        Recorded(p.event, position, p.id, p.type, p.version, p.tags, dict(p.metadata), moment)
        for p, position in zip(prepared, positions, strict=True)
    )


def insert_key(key: str, digest: str, positions: Sequence[int], position: int, using: str) -> None:
    """Store that ``key`` asked for what ``digest`` tells and recorded ``positions``."""
    connection = connections[using]
    moment = as_stored_time(datetime.now(UTC), connection)
    with connection.cursor() as cursor:
        cursor.execute(_INSERT_KEY, [key, digest, json.dumps(list(positions)), position, moment])


def _insert_on_postgresql(
    prepared: Sequence[Prepared], decision: str | None, shares: frozenset[str], moment: datetime, using: str
) -> list[int] | None:
    tags = list(_tag_rows(prepared, range(1, len(prepared) + 1)))
    parameters: list[Any] = [
        list(shares),
        [str(p.id) for p in prepared],
        [p.type for p in prepared],
        [p.version for p in prepared],
        [p.data_text for p in prepared],
        [p.metadata_text for p in prepared],
        [decision for _ in prepared],
        [p.tags_text for p in prepared],
        moment,
        *([row[column] for row in tags] for column in range(3)),
    ]
    with connections[using].cursor() as cursor:
        cursor.execute(_RECORD, parameters)
        positions: list[int] | None = cursor.fetchone()[0]
        return positions


def _insert_under_log_guard(
    prepared: Sequence[Prepared], decision: str | None, _shares: frozenset[str], moment: datetime, using: str
) -> list[int]:
    """Positions grow in the order of VALUES, and the guard keeps everybody else's out of between."""
    connection = connections[using]
    native = connection.features.has_native_uuid_field
    time = as_stored_time(moment, connection)
    rows = [
        (
            str(p.id) if native else p.id.hex,
            p.type,
            p.version,
            p.data_text,
            p.metadata_text,
            decision,
            p.tags_text,
            time,
        )
        for p in prepared
    ]
    positions = sorted(row[0] for row in _insert(_INSERT_EVENTS, rows, using))
    list(_insert(_INSERT_TAGS, list(_tag_rows(prepared, positions)), using))
    return positions


def _insert(statement: str, rows: Sequence[tuple[Any, ...]], using: str) -> Iterator[tuple[Any, ...]]:
    for chunk in _chunks(rows):
        places = f"({', '.join(['%s'] * len(chunk[0]))})"
        with connections[using].cursor() as cursor:
            cursor.execute(
                statement.format(rows=", ".join([places] * len(chunk))), list(chain.from_iterable(chunk))
            )
            yield from cursor.fetchall() if "RETURNING" in statement else ()


def _chunks(rows: Sequence[tuple[Any, ...]]) -> Iterator[list[tuple[Any, ...]]]:
    """Split into what one statement holds: SQLite limits its parameters, MariaDB its bytes."""
    chunk: list[tuple[Any, ...]] = []
    characters = 0
    for row in rows:
        size = sum(len(value) for value in row if isinstance(value, str))
        if chunk and (len(chunk) == _ROWS_AT_ONCE or characters + size > _CHARACTERS_AT_ONCE):
            yield chunk
            chunk, characters = [], 0
        chunk.append(row)
        characters += size
    if chunk:
        yield chunk


def _tag_rows(prepared: Sequence[Prepared], events: Sequence[int]) -> Iterator[tuple[int, str, str]]:
    for each, event in zip(prepared, events, strict=True):
        yield from ((event, tag, each.type) for tag in each.tags)


_INSERTERS: dict[str, Callable[..., list[int] | None]] = {"postgresql": _insert_on_postgresql}

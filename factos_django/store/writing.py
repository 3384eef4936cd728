"""The statements that write facts where no function of the database does it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import chain
from typing import Any

from django.db import connections

from factos_django.store.prepared import Prepared
from factos_django.store.rows import as_stored_time

__all__ = ["insert_events", "insert_key"]

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
    prepared: Sequence[Prepared], decision: str | None, moment: datetime, using: str
) -> list[int]:
    """Store ``prepared`` with ``decision`` (JSON text) and return the positions, ascending.

    Positions grow in the order of VALUES, and the guard keeps everybody else's out of between.
    """
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


def insert_key(
    key: str, digest: str, positions: Sequence[int], position: int, moment: datetime, using: str
) -> None:
    """Store that ``key`` asked for what ``digest`` tells and recorded ``positions``."""
    connection = connections[using]
    time = as_stored_time(moment, connection)
    with connection.cursor() as cursor:
        cursor.execute(_INSERT_KEY, [key, digest, json.dumps(list(positions)), position, time])


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

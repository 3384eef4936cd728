"""Repetitions: the same append asked for twice records once (G8)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connections

from factos_django.core.canonical_json import decode_json
from factos_django.core.errors import EventIdReused, IdempotencyKeyReused
from factos_django.core.event import Recorded
from factos_django.store.prepared import Prepared
from factos_django.store.rows import EventRow, recorded_of, select_by_id, select_by_positions
from factos_django.store.unregistered import UnregisteredType, kind_of

__all__ = [
    "Repetition",
    "is_known_key",
    "key_names",
    "knows_ids",
    "recorded_under_ids",
    "recorded_under_key",
]


@dataclass(frozen=True, slots=True)
class Repetition:
    """What the first of two equal requests recorded."""

    recorded: tuple[Recorded[Any], ...]
    position: int


def key_names(key: str | None, prepared: Sequence[Prepared]) -> frozenset[str]:
    """Return the names under which an append by ``key``, or with ids of the client, is locked."""
    ids = (f"id:{each.id}" for each in prepared if each.repeatable)
    return frozenset(ids) | ({f"key:{key}"} if key is not None else frozenset())


def is_known_key(key: str, using: str) -> bool:
    """Tell whether an append was recorded under ``key``."""
    return _row_of(key, using) is not None


def recorded_under_key(key: str, digest: str, using: str) -> Repetition:
    """Return what was recorded under ``key``, a known one; raise IdempotencyKeyReused."""
    first, positions, position = _row_of(key, using) or ("", [], 0)
    if digest != first:
        raise IdempotencyKeyReused(key=key)
    found = select_by_positions(json.loads(positions) if isinstance(positions, str) else positions, using)
    return Repetition(tuple(recorded_of(found, using)), position)


def _row_of(key: str, using: str) -> tuple[Any, ...] | None:
    with connections[using].cursor() as cursor:
        cursor.execute(
            "SELECT fingerprint, positions, position FROM factos_idempotencykey WHERE idempotency_key = %s",
            [key],
        )
        row: tuple[Any, ...] | None = cursor.fetchone()
        return row


def knows_ids(prepared: Sequence[Prepared], using: str) -> bool:
    """Tell whether an event was recorded under one of the client's ids."""
    return bool(_rows_of(prepared, using))


def recorded_under_ids(prepared: Sequence[Prepared], using: str) -> Repetition:
    """Return what was recorded under the client's ids, known ones; raise EventIdReused.

    A repetition holds all of the events again, each with the type, version, data and tags it had.
    """
    rows = _rows_of(prepared, using)
    for each in prepared:
        if each.id not in rows or not _same(each, rows[each.id]):
            raise _reused(each.id, rows)
    in_order = sorted(rows.values(), key=lambda row: row.position)
    return Repetition(tuple(recorded_of(in_order, using)), in_order[-1].position)


def _rows_of(prepared: Sequence[Prepared], using: str) -> dict[UUID, EventRow]:
    ids = [each.id for each in prepared if each.repeatable]
    return {row.uuid: row for row in select_by_id(ids, using)}


def _reused(id: UUID, rows: dict[UUID, EventRow]) -> EventIdReused:
    row = rows.get(id) or next(iter(rows.values()))
    return EventIdReused(id=row.uuid, position=row.position)


def _same(prepared: Prepared, row: EventRow) -> bool:
    """Compare as the current version says it: a new version may have come between the two requests."""
    kind: Any = kind_of(prepared.event)
    if isinstance(kind, UnregisteredType) and kind.version != row.version:
        return False
    if kind.name != row.type or set(prepared.tags) != set(decode_json(row.tags)):
        return False
    then: bytes = kind.encode(kind.decode(row.version, row.data, position=row.position))
    return then.decode() == prepared.data_text

"""Rows of the log that no append of today would write: of older code, other clocks, or a damaged disk."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from django.db import connections

from factos_django.store.rows import as_stored_time

__all__ = ["MOMENT", "store_row"]

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)

_EVENT = (
    "INSERT INTO factos_event (id, type, version, data, metadata, tags, recorded_at) "
    "VALUES (%s, %s, %s, %s, %s, %s, %s) RETURNING position"
)
_TAG = "INSERT INTO factos_tag (event_id, value, type) VALUES (%s, %s, %s)"


def store_row(
    using: str,
    *,
    type: str = "legacy",
    version: int = 1,
    data: str = "{}",
    metadata: Mapping[str, Any] | None = None,
    tags: Sequence[str] = (),
    recorded_at: datetime = MOMENT,
) -> int:
    """Store a fact with ``data`` as it is, JSON or not, and return its position."""
    connection = connections[using]
    id = uuid.uuid4()
    known = str(id) if connection.features.has_native_uuid_field else id.hex
    texts = [data, json.dumps(dict(metadata or {})), json.dumps(list(tags))]
    time = as_stored_time(recorded_at, connection)
    with connection.cursor() as cursor:
        cursor.execute(_EVENT, [known, type, version, *texts, time])
        position = int(cursor.fetchone()[0])
        for tag in tags:
            cursor.execute(_TAG, [position, tag, type])
    return position

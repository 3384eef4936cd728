"""Facts as they are sent: what is stored, in the version that was stored, whatever this code knows of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from factos_django.core.canonical_json import decode_json, encode_json
from factos_django.rest_framework.moments import moment_text
from factos_django.store.rows import EventRow, recorded_moment

__all__ = ["event_json", "events_json"]


def events_json(rows: Iterable[EventRow], using: str, *, with_data: bool) -> list[dict[str, Any]]:
    """Return the events of ``rows`` for an answer."""
    return [event_json(row, using, with_data=with_data) for row in rows]


def event_json(row: EventRow, using: str, *, with_data: bool) -> dict[str, Any]:
    """Return the event of ``row`` for an answer: the same text for the same event on every database.

    What is stored and no JSON (somebody edited the row) is sent as the text that it is, under ``unreadable``.
    """
    stored = {"tags": row.tags, "metadata": row.metadata} | ({"data": row.data} if with_data else {})
    read = {name: _canonical(text) for name, text in stored.items()}
    unreadable = {name: str(stored[name]) for name, text in read.items() if text is None}
    known = {name: text for name, text in read.items() if text is not None}
    return {
        "position": row.position,
        "id": row.uuid,
        "type": row.type,
        "version": row.version,
        **({"tags": [], "metadata": {}} | known),
        "recorded_at": moment_text(recorded_moment(row, using)),
        **({"unreadable": unreadable} if unreadable else {}),
    }


def _canonical(text: str) -> msgspec.Raw | None:
    """Return stored JSON as the same bytes on every database, or None if it is none."""
    try:
        return msgspec.Raw(encode_json(decode_json(text)))
    except (ValueError, RecursionError):  # msgspec's errors and UnstorableData are ValueErrors
        return None

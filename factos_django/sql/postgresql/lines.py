"""An event as one line of JSON: written by the server and read by msgspec, both in C."""

from __future__ import annotations

__all__ = ["EVENT_LINE"]

#: The event ``e`` as text, in the fields of ``Recorded``; the time in UTC, whatever the session's zone. Names
#: of types need no escaping.
EVENT_LINE = """concat(
    '{"position":', e.position, ',"id":"', e.id, '","type":"', e.type, '","version":', e.version,
    ',"recorded_at":"', to_char(e.recorded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    '","event":', e.data, ',"metadata":', e.metadata, ',"tags":', e.tags, '}'
)"""

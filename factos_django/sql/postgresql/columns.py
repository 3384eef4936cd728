"""The columns of an event as its readers get them."""

from __future__ import annotations

__all__ = ["EVENT_COLUMNS"]

#: Of the event ``e``. Text, not what the driver would make of JSON and of times: psycopg makes datetimes in
#: Python, and all of this is read in C.
EVENT_COLUMNS = (
    "e.position, e.id, e.type::text, e.version, e.recorded_at::text, "
    "e.data::text, e.metadata::text, e.tags::text"
)

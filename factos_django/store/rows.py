"""Rows of the event table and what they mean: the one place that knows their columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, tzinfo
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils import timezone

from factos_django.conf import conf
from factos_django.core.canonical_json import decode_json
from factos_django.core.errors import UnknownEventType
from factos_django.core.event import Recorded, UnregisteredEvent
from factos_django.core.event_types import EVENT_TYPES
from factos_django.core.query import Query
from factos_django.store.matching import Slice, matching_positions

__all__ = [
    "EventRow",
    "as_stored_time",
    "recorded_of",
    "select_by_id",
    "select_by_positions",
    "select_matching",
]

# Text, not what the driver would make of JSON: the codec reads it itself.
_COLUMNS = (
    "e.position, e.id, e.type, e.version, {time}, e.data{as_text}, e.metadata{as_text}, e.tags{as_text}"
)
_ON_POSTGRESQL = {
    # psycopg makes datetimes in Python; this text is read in C.
    "time": "to_char(e.recorded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US+00:00')",
    "as_text": "::text",
}
_ELSEWHERE = {"time": "e.recorded_at", "as_text": ""}


class EventRow(NamedTuple):
    """A row as the driver gives it."""

    position: int
    id: Any
    type: str
    version: int
    recorded_at: Any
    data: str
    metadata: str
    tags: str

    @property
    def uuid(self) -> UUID:
        """The id; SQLite and older MariaDB store it as 32 hexadecimal digits."""
        return self.id if isinstance(self.id, UUID) else UUID(str(self.id))


def select_matching(query: Query, part: Slice, using: str) -> list[EventRow]:
    """Return the rows of ``part`` of what matches ``query``, in order; one statement, one snapshot."""
    positions, parameters = matching_positions(query, part)
    order = f"ORDER BY e.position {'DESC' if part.backwards else 'ASC'}"
    if part.limit is not None:
        order, parameters = f"{order} LIMIT %s", [*parameters, part.limit]
    source = f"({positions}) AS matching JOIN factos_event e ON e.position = matching.position {order}"
    return _select(source, parameters, using)


def select_by_positions(positions: Sequence[int], using: str) -> list[EventRow]:
    """Return the rows at ``positions``, ascending."""
    return [row for chunk in _chunks(positions) for row in _select_in("position", chunk, using)]


def select_by_id(ids: Sequence[UUID], using: str) -> list[EventRow]:
    """Return the rows that have one of ``ids``, in no order."""
    native = connections[using].features.has_native_uuid_field
    stored = [str(id) if native else id.hex for id in ids]
    return [row for chunk in _chunks(stored) for row in _select_in("id", chunk, using)]


def recorded_of(rows: Iterable[EventRow], using: str) -> Iterator[Recorded[Any]]:
    """Yield what each of ``rows`` records; raise DecodeError where history and code disagree."""
    zone = connections[using].timezone or UTC
    for row in rows:
        yield Recorded(
            event=_event(row),
            position=row.position,
            id=row.uuid,
            type=row.type,
            version=row.version,
            tags=tuple(decode_json(row.tags)),
            metadata=decode_json(row.metadata),
            recorded_at=_moment(row.recorded_at, zone),
        )


def as_stored_time(moment: datetime, connection: BaseDatabaseWrapper) -> Any:
    """Return an aware ``moment`` as the time column of this database stores it."""
    if connection.vendor == "postgresql":
        return moment
    return timezone.make_naive(moment, connection.timezone or UTC).isoformat(" ", "microseconds")


def _event(row: EventRow) -> Any:
    if kind := EVENT_TYPES.named(row.type):
        return kind.decode(row.version, row.data, position=row.position)
    allowed = conf.API_UNREGISTERED_TYPES
    if allowed is True or (not isinstance(allowed, bool) and row.type in allowed):
        return UnregisteredEvent(row.type, row.version, decode_json(row.data))
    raise UnknownEventType(type=row.type, version=row.version, position=row.position)


def _moment(stored: Any, zone: tzinfo) -> datetime:
    moment = datetime.fromisoformat(stored) if isinstance(stored, str) else stored
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)


def _select(source: str, parameters: Sequence[Any], using: str) -> list[EventRow]:
    connection = connections[using]
    columns = _COLUMNS.format_map(_ON_POSTGRESQL if connection.vendor == "postgresql" else _ELSEWHERE)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {columns} FROM {source}", parameters)
        return [EventRow._make(row) for row in cursor.fetchall()]


def _select_in(column: str, values: Sequence[Any], using: str) -> list[EventRow]:
    cast = "::uuid" if column == "id" and connections[using].vendor == "postgresql" else ""
    places = ", ".join([f"%s{cast}"] * len(values))
    return _select(f"factos_event e WHERE e.{column} IN ({places}) ORDER BY e.position", values, using)


def _chunks(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    # SQLite takes 999 parameters a statement in its older builds.
    return (values[start : start + 900] for start in range(0, len(values), 900))

"""Rows of the event table as they are read, and what they mean."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, tzinfo
from typing import Any, NamedTuple, TypeAlias
from uuid import UUID

import msgspec
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils import timezone

from factos_django.core.canonical_json import decode_json
from factos_django.core.errors import UnknownEventType
from factos_django.core.event import Recorded
from factos_django.core.event_types import EVENT_TYPES
from factos_django.core.query import Query
from factos_django.sql.postgresql import EVENT_COLUMNS
from factos_django.store.matching import Fragment, Slice, matching_events
from factos_django.store.unregistered import UnregisteredType, allows_unregistered

__all__ = [
    "EventRow",
    "Row",
    "as_stored_time",
    "event_of",
    "recorded_moment",
    "recorded_of",
    "select_by_id",
    "select_by_positions",
    "select_found",
    "select_matching",
    "stored_moment",
]

#: A row as the driver gives it; see EventRow for what stands where. Thousands of them stay tuples, which
#: take a third of the time.
Row: TypeAlias = tuple[Any, ...]

_COLUMNS = "e.position, e.id, e.type, e.version, e.recorded_at, e.data, e.metadata, e.tags"
_TAGS = msgspec.json.Decoder(tuple[str, ...])


class EventRow(NamedTuple):
    """The names of a row's values. ``data``, ``metadata`` and ``tags`` are JSON text, read when wanted."""

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
        """The id."""
        return _uuid(self.id)


def select_matching(query: Query, part: Slice, using: str) -> list[Row]:
    """Return the rows of ``part`` of what matches ``query``, in order; one statement, one snapshot."""
    source, parameters = matching_events(query, part)
    return [row for row in _select(source, parameters, using) if part.holds(row[0])]


def select_found(positions: Fragment, part: Slice, using: str) -> list[Row]:
    """Return the rows of ``part`` at ``positions``, a SELECT of the column ``position``, in order."""
    sql, parameters = positions
    direction = "DESC" if part.backwards else "ASC"
    # The limit twice: PostgreSQL joins few rows one by one, and would else read the table beside them.
    few = f"SELECT position FROM ({sql}) AS found ORDER BY position {direction} LIMIT %s"
    source = f"({few}) AS matching JOIN factos_event e ON e.position = matching.position"
    order = f"ORDER BY e.position {direction} LIMIT %s"
    return _select(f"{source} {order}", [*parameters, part.limit, part.limit], using)


def select_by_positions(positions: Sequence[int], using: str) -> list[Row]:
    """Return the rows at ``positions``, ascending."""
    return [row for chunk in _chunks(positions) for row in _select_in("position", chunk, using)]


def select_by_id(ids: Sequence[UUID], using: str) -> list[EventRow]:
    """Return the rows that have one of ``ids``, in no order."""
    native = connections[using].features.has_native_uuid_field
    known = [str(id) if native else id.hex for id in ids]
    return [EventRow._make(row) for chunk in _chunks(known) for row in _select_in("id", chunk, using)]


def recorded_of(rows: Iterable[Row], using: str) -> Iterator[Recorded[Any]]:
    """Yield what each of ``rows`` records; raise DecodeError where history and code disagree."""
    zone = connections[using].timezone or UTC
    read_tags, fromisoformat = _TAGS.decode, datetime.fromisoformat
    readers: dict[tuple[str, int], Callable[[str], Any]] = {}
    for position, id, type, version, recorded_at, data, metadata, tags in rows:
        try:
            event = readers[type, version](data)
        except Exception:  # the first of its kind, or one that is told in full
            event = event_of(type, version, data, position)
            readers |= _reader(type, version)
        moment = fromisoformat(recorded_at) if isinstance(recorded_at, str) else recorded_at
        yield Recorded(
            event,
            position,
            id if isinstance(id, UUID) else _uuid(id),
            type,
            version,
            read_tags(tags),
            decode_json(metadata) if metadata != "{}" else {},
            moment if moment.tzinfo is UTC else _moment(moment, zone),
        )


def recorded_moment(row: EventRow, using: str) -> datetime:
    """Return when the fact of ``row`` was recorded, in UTC, from what the driver gives."""
    return stored_moment(row.recorded_at, using)


def stored_moment(given: Any, using: str) -> datetime:
    """Return the moment, in UTC, that the driver gives of the time column."""
    moment = datetime.fromisoformat(given) if isinstance(given, str) else given
    return _moment(moment, connections[using].timezone or UTC)


def as_stored_time(moment: datetime, connection: BaseDatabaseWrapper) -> Any:
    """Return an aware ``moment`` as the time column of this database stores it."""
    if connection.vendor == "postgresql":
        return moment
    return timezone.make_naive(moment, connection.timezone or UTC).isoformat(" ", "microseconds")


def _reader(type: str, version: int) -> dict[tuple[str, int], Callable[[str], Any]]:
    """Return what decodes events of the current version of a type, without a word about errors."""
    kind = EVENT_TYPES.named(type)
    return {(type, version): kind.codec.read} if kind is not None and kind.version == version else {}


def event_of(type: str, version: int, data: str, position: int) -> Any:
    """Return the event that ``data`` holds; raise DecodeError where history and code disagree."""
    if kind := EVENT_TYPES.named(type):
        return kind.decode(version, data, position=position)
    if allows_unregistered(type):
        return UnregisteredType(type, version).decode(version, data)
    raise UnknownEventType(type=type, version=version, position=position)


def _uuid(id: Any) -> UUID:
    """Return the id that SQLite and older MariaDB store as 32 hexadecimal digits."""
    return id if isinstance(id, UUID) else UUID(str(id))


def _moment(moment: datetime, zone: tzinfo) -> datetime:
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)


def _select(source: str, parameters: Sequence[Any], using: str) -> list[Row]:
    connection = connections[using]
    columns = EVENT_COLUMNS if connection.vendor == "postgresql" else _COLUMNS
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {columns} FROM {source}", parameters)
        return list(cursor.fetchall())


def _select_in(column: str, values: Sequence[Any], using: str) -> list[Row]:
    cast = "::uuid" if column == "id" and connections[using].vendor == "postgresql" else ""
    places = ", ".join([f"%s{cast}"] * len(values))
    return _select(f"factos_event e WHERE e.{column} IN ({places}) ORDER BY e.position", values, using)


def _chunks(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    # SQLite takes 999 parameters a statement in its older builds.
    return (values[start : start + 900] for start in range(0, len(values), 900))

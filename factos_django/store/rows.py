"""Rows of the event table and what they mean: the one place that knows their columns.

A stored event is a ``Recorded`` whose ``event`` is still JSON, since reading that can fail where a
reader does not even want it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, tzinfo
from functools import cache
from typing import Any, TypeAlias
from uuid import UUID

import msgspec
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils import timezone

from factos_django.conf import conf
from factos_django.core.canonical_json import decode_json
from factos_django.core.errors import UnknownEventType
from factos_django.core.event import Recorded, UnregisteredEvent
from factos_django.core.event_types import EVENT_TYPES
from factos_django.core.query import Query
from factos_django.sql.postgresql import EVENT_LINE
from factos_django.store.matching import Slice, matching_events

__all__ = [
    "Stored",
    "as_stored_time",
    "recorded_of",
    "select_by_id",
    "select_by_positions",
    "select_matching",
    "stored_of_line",
]

Stored: TypeAlias = "Recorded[msgspec.Raw | str]"

_COLUMNS = "e.position, e.id, e.type, e.version, e.recorded_at, e.data, e.metadata, e.tags"


def select_matching(query: Query, part: Slice, using: str) -> list[Stored]:
    """Return ``part`` of what matches ``query``, in order; one statement, one snapshot."""
    source, parameters = matching_events(query, part)
    return [stored for stored in _select(source, parameters, using) if part.holds(stored.position)]


def select_by_positions(positions: Sequence[int], using: str) -> list[Stored]:
    """Return the events at ``positions``, ascending."""
    return [stored for chunk in _chunks(positions) for stored in _select_in("position", chunk, using)]


def select_by_id(ids: Sequence[UUID], using: str) -> list[Stored]:
    """Return the events that have one of ``ids``, in no order."""
    native = connections[using].features.has_native_uuid_field
    known = [str(id) if native else id.hex for id in ids]
    return [stored for chunk in _chunks(known) for stored in _select_in("id", chunk, using)]


def recorded_of(stored: Iterable[Stored]) -> Iterator[Recorded[Any]]:
    """Yield ``stored``, its events decoded in place; raise DecodeError where history and code disagree."""
    for each in stored:
        # A line is read into the object that the reader gets: nobody else has seen it.
        object.__setattr__(each, "event", _event(each))
        yield each


def stored_of_line(line: str) -> Stored:
    """Return the stored event that a line of PostgreSQL holds (see ``EVENT_LINE``)."""
    return _line_decoder().decode(line)


def as_stored_time(moment: datetime, connection: BaseDatabaseWrapper) -> Any:
    """Return an aware ``moment`` as the time column of this database stores it."""
    if connection.vendor == "postgresql":
        return moment
    return timezone.make_naive(moment, connection.timezone or UTC).isoformat(" ", "microseconds")


def _event(stored: Stored) -> Any:
    if kind := EVENT_TYPES.named(stored.type):
        return kind.decode(stored.version, stored.event, position=stored.position)
    allowed = conf.API_UNREGISTERED_TYPES
    if allowed is True or (not isinstance(allowed, bool) and stored.type in allowed):
        return UnregisteredEvent(stored.type, stored.version, decode_json(stored.event))
    raise UnknownEventType(type=stored.type, version=stored.version, position=stored.position)


@cache
def _line_decoder() -> msgspec.json.Decoder[Stored]:
    return msgspec.json.Decoder(Recorded[msgspec.Raw])


def _select(source: str, parameters: Sequence[Any], using: str) -> list[Stored]:
    connection = connections[using]
    on_postgresql = connection.vendor == "postgresql"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {EVENT_LINE if on_postgresql else _COLUMNS} FROM {source}", parameters)
        rows = cursor.fetchall()
    if on_postgresql:
        decode = _line_decoder().decode
        return [decode(line) for (line,) in rows]
    zone = connection.timezone or UTC
    return [_stored_of_columns(row, zone) for row in rows]


def _stored_of_columns(row: tuple[Any, ...], zone: tzinfo) -> Stored:
    position, id, type, version, recorded_at, data, metadata, tags = row
    # SQLite and older MariaDB store an id as 32 hexadecimal digits.
    uuid = id if isinstance(id, UUID) else UUID(str(id))
    moment = _moment(recorded_at, zone)
    return Recorded(
        data, position, uuid, type, version, tuple(decode_json(tags)), decode_json(metadata), moment
    )


def _moment(stored: Any, zone: tzinfo) -> datetime:
    moment = datetime.fromisoformat(stored) if isinstance(stored, str) else stored
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)


def _select_in(column: str, values: Sequence[Any], using: str) -> list[Stored]:
    cast = "::uuid" if column == "id" and connections[using].vendor == "postgresql" else ""
    places = ", ".join([f"%s{cast}"] * len(values))
    return _select(f"factos_event e WHERE e.{column} IN ({places}) ORDER BY e.position", values, using)


def _chunks(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    # SQLite takes 999 parameters a statement in its older builds.
    return (values[start : start + 900] for start in range(0, len(values), 900))

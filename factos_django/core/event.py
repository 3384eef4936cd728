"""Events about to be appended, and events that the log holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from factos_django.core.errors import InvalidAppend, PositionNotDrawn
from factos_django.core.metadata import Metadata, MetadataValue, checked_metadata
from factos_django.core.tag import checked_tags

__all__ = ["Foreseen", "Proposed", "Recorded", "UnregisteredEvent"]

Event_co = TypeVar("Event_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Proposed(Generic[Event_co]):
    """An event about to be appended, with what the caller adds to it.

    Attributes:
        event: The application's event.
        id: The caller's id for it; a repetition under the same id records nothing twice.
        tags: Tags in addition to those that the event derives.
        metadata: What is known about its making, over the stamps and the metadata of the append.
    """

    event: Event_co
    id: UUID | None = None
    tags: tuple[str, ...] = ()
    metadata: Metadata | None = field(default=None, hash=False)

    def __post_init__(self) -> None:
        if self.id is not None and not isinstance(self.id, UUID):
            raise InvalidAppend(reason=f"an event id is a uuid.UUID, not {type(self.id).__name__}")
        object.__setattr__(self, "tags", checked_tags(self.tags))
        if self.metadata is not None:
            object.__setattr__(self, "metadata", checked_metadata(self.metadata))


@dataclass(frozen=True, slots=True, init=False)
class Recorded(Generic[Event_co]):
    """An event that the log holds.

    Attributes:
        event: The application's event, brought up to its current version.
        position: Its place in the log; unique and growing, with gaps.
        id: Its id, the caller's, derived from the caller's, or a new one (UUID version 7).
        type: The stored name of its type.
        version: The version that was stored.
        tags: Its tags, in the order in which they were derived.
        metadata: What is known about its making.
        recorded_at: When the store took it, in UTC. Order is by position, never by time.
    """

    event: Event_co
    position: int
    id: UUID
    type: str
    version: int
    tags: tuple[str, ...]
    metadata: Mapping[str, MetadataValue] = field(hash=False)
    recorded_at: datetime

    # A reader makes a million of these: to set the slots themselves takes half of what dataclass's way takes.
    def __init__(
        self,
        event: Event_co,
        position: int,
        id: UUID,
        type: str,
        version: int,
        tags: tuple[str, ...],
        metadata: Mapping[str, MetadataValue],
        recorded_at: datetime,
    ) -> None:
        _set_event(self, event)
        _set_position(self, position)
        _set_id(self, id)
        _set_type(self, type)
        _set_version(self, version)
        _set_tags(self, tags)
        _set_metadata(self, metadata)
        _set_recorded_at(self, recorded_at)


_set_event, _set_position, _set_id, _set_type, _set_version, _set_tags, _set_metadata, _set_recorded_at = (
    getattr(Recorded, each.name).__set__ for each in fields(Recorded)
)


class Foreseen(Recorded[Event_co]):
    """An event that is about to be recorded, all but its position: that is drawn after every lock is held.

    The keys of inline rows are computed from it.
    """

    __slots__ = ()

    def __init__(
        self,
        event: Event_co,
        id: UUID,
        type: str,
        version: int,
        tags: tuple[str, ...],
        metadata: Mapping[str, MetadataValue],
        recorded_at: datetime,
    ) -> None:
        values = (event, id, type, version, tags, metadata, recorded_at)
        for name, value in zip(_FORESEEN, values, strict=True):
            object.__setattr__(self, name, value)

    @property
    def position(self) -> int:
        """Refuse."""
        raise PositionNotDrawn

    def __repr__(self) -> str:
        return f"Foreseen({', '.join(f'{name}={getattr(self, name)!r}' for name in _FORESEEN)})"


_FORESEEN = ("event", "id", "type", "version", "tags", "metadata", "recorded_at")


@dataclass(frozen=True, slots=True)
class UnregisteredEvent:
    """The event of a type for which this process has no class (see FACTOS_API_UNREGISTERED_TYPES).

    Where the setting allows its type, it is read and appended as it is: with the tags that are given, and
    ``data`` of any JSON but null.
    """

    type: str
    version: int
    data: Any = field(hash=False)

"""Events of types for which this process has no class, where FACTOS_API_UNREGISTERED_TYPES allows them."""

from __future__ import annotations

from dataclasses import dataclass

from factos_django.conf import conf
from factos_django.core.canonical_json import UnstorableData, decode_json, encode_json
from factos_django.core.errors import EncodeError, InvalidAppend, TypeNotRegistered
from factos_django.core.event import UnregisteredEvent
from factos_django.core.event_types import EVENT_TYPES, MAX_VERSION, EventType, type_of
from factos_django.core.naming import checked_name

__all__ = ["UnregisteredType", "allows_unregistered", "kind_of"]


@dataclass(frozen=True, slots=True)
class UnregisteredType:
    """Stands for the class that is not there: it derives no tags, and its data is any JSON but ``null``."""

    name: str
    version: int

    def tags_of(self, event: UnregisteredEvent) -> tuple[str, ...]:
        """Return none."""
        return ()

    def encode(self, event: UnregisteredEvent) -> bytes:
        """Return the canonical JSON of its data; raise EncodeError."""
        if event.data is None:  # SQL and Django's JSONField take it for a missing value
            raise EncodeError(type=self.name, reason="its data is null; where there is none, give {}")
        try:
            return encode_json(event.data)
        except UnstorableData as error:
            raise EncodeError(type=self.name, reason=str(error)) from error

    def decode(self, version: int, text: str | bytes, *, position: int | None = None) -> UnregisteredEvent:
        """Return the event as it was stored: nobody can bring it up to another version."""
        return UnregisteredEvent(self.name, version, decode_json(text))


def allows_unregistered(name: str) -> bool:
    """Tell whether events of type ``name`` may be in use without a class."""
    allowed = conf.API_UNREGISTERED_TYPES
    return allowed is True or (not isinstance(allowed, bool) and name in allowed)


def kind_of(event: object) -> EventType | UnregisteredType:
    """Return the type of ``event``, an application's or an UnregisteredEvent.

    Raises:
        NotAnEvent: It is neither.
        InvalidInput: It is an UnregisteredEvent without a name, of a type that has a class, or that is not
            allowed.
    """
    if not isinstance(event, UnregisteredEvent):
        return type_of(event)
    name = checked_name(event.type)
    if EVENT_TYPES.named(name) is not None:
        raise InvalidAppend(reason=f"{name!r} is a registered type: give an instance of its class")
    if not allows_unregistered(name):
        raise TypeNotRegistered(type=name)
    if type(event.version) is not int or not 1 <= event.version <= MAX_VERSION:
        raise InvalidAppend(reason=f"a version of {name} is 1 to {MAX_VERSION}, not {event.version!r}")
    return UnregisteredType(name, event.version)

"""Event types: the application's frozen dataclasses, registered under stable names and versions."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from typing import Any, TypeAlias, TypeVar

from factos_django.core.canonical_json import UnstorableData
from factos_django.core.codec import Codec
from factos_django.core.decoding import decoded
from factos_django.core.errors import EncodeError, NotAnEvent, RegistrationError
from factos_django.core.naming import checked_name
from factos_django.core.registry import Registry
from factos_django.core.tag import checked_tag, checked_tags
from factos_django.core.tag_template import TagTemplate

__all__ = ["EVENT_TYPES", "MAX_VERSION", "EventType", "event_type", "type_name", "type_of"]

T = TypeVar("T")
Tags: TypeAlias = "Sequence[str] | Callable[[Any], Iterable[str]]"


class EventType:
    """One registered event type: its name, current version, class, tags and codec."""

    what = "Event"

    def __init__(self, name: str, version: int, cls: type[Any], tags: Tags) -> None:
        self.name = checked_name(name)
        self.version = checked_version("Event type", name, version)
        self.cls = checked_dataclass("Event type", name, cls)
        self._tag_function = tags if callable(tags) else None
        self.templates = () if callable(tags) else _templates(name, cls, tags)

    @cached_property
    def codec(self) -> Codec:
        """The codec of the class; made at first use, so that annotations may refer forward."""
        return Codec(self.cls)

    @property
    def has_tag_function(self) -> bool:
        """Whether a function makes the tags, so that there are no templates."""
        return self._tag_function is not None

    def tags_of(self, event: object) -> tuple[str, ...]:
        """Return the tags that ``event`` derives; raise InvalidTag for one that is none."""
        if self._tag_function is not None:
            return checked_tags(self._tag_function(event))
        return checked_tags([tag for template in self.templates for tag in template.tags(event)])

    def could_have_tag(self, tag: str) -> bool:
        """Tell whether some event of this type could derive ``tag``. A callable could derive any."""
        return self._tag_function is not None or any(t.could_yield(tag) for t in self.templates)

    def encode(self, event: object) -> bytes:
        """Return the canonical JSON of ``event``; raise EncodeError."""
        try:
            return self.codec.encode(event)
        except UnstorableData as error:
            raise EncodeError(type=self.name, reason=str(error)) from error

    def decode(self, version: int, text: str | bytes, *, position: int | None = None) -> Any:
        """Return the event of stored ``version`` and ``text``, brought up to date; raise DecodeError."""
        return decoded(self, version, text, position=position)

    def json_schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the current version."""
        return self.codec.json_schema()


#: The highest version of an event type.
MAX_VERSION = 32767

#: Every event type that this process has declared.
EVENT_TYPES: Registry[EventType] = Registry("Event type")


def event_type(name: str, *, version: int = 1, tags: Tags = ()) -> Callable[[type[T]], type[T]]:
    """Register a frozen dataclass as an event type.

    Args:
        name: The stored name, 1 to 100 of ``A-Z a-z 0-9 . _ : -``. It outlives the class.
        version: The version of the payload that this class writes, 1 or more. Older ones are read
            through ``@upcaster``.
        tags: Templates over the fields of the event (``"event:{conference}"``), or a function of
            the event that returns its tags.

    Raises:
        RegistrationError: The name is taken, the class is no frozen dataclass, or a template names
            a field that it lacks.
    """

    def register(cls: type[T]) -> type[T]:
        EVENT_TYPES.register(EventType(name, version, cls, tags))
        return cls

    return register


def type_of(event: object) -> EventType:
    """Return the registered type of ``event``; raise NotAnEvent."""
    found = EVENT_TYPES.of(type(event))
    if found is None:
        raise NotAnEvent(cls=f"{type(event).__module__}.{type(event).__qualname__}")
    return found


def type_name(event_type: type[Any] | str) -> str:
    """Return the stored name of a registered class, or the name itself, checked."""
    if isinstance(event_type, str):
        return checked_name(event_type)
    found = EVENT_TYPES.of(event_type) if isinstance(event_type, type) else None
    if found is None:
        raise NotAnEvent(cls=repr(event_type))
    return found.name


def checked_dataclass(what: str, name: str, cls: type[Any]) -> type[Any]:
    """Return ``cls`` if it is a frozen dataclass; raise RegistrationError otherwise."""
    if not (isinstance(cls, type) and dataclasses.is_dataclass(cls)):
        raise RegistrationError(
            what=what, name=name, reason="it is no dataclass (decorators in wrong order?)"
        )
    if not cls.__dataclass_params__.frozen:  # type: ignore[attr-defined]  # dataclass() sets it
        raise RegistrationError(
            what=what, name=name, reason="facts do not change: use @dataclass(frozen=True)"
        )
    return cls


def checked_version(what: str, name: str, version: int) -> int:
    """Return ``version`` if it is a whole number from 1 to 32767; raise RegistrationError otherwise."""
    if isinstance(version, bool) or not isinstance(version, int) or not 1 <= version <= MAX_VERSION:
        raise RegistrationError(what=what, name=name, reason=f"a version is 1 to {MAX_VERSION}")
    return version


def _templates(name: str, cls: type[Any], tags: Sequence[str]) -> tuple[TagTemplate, ...]:
    if isinstance(tags, str):
        raise RegistrationError(what="Event type", name=name, reason="tags= takes a list, not one string")
    fields = {field.name for field in dataclasses.fields(cls)}
    templates = tuple(TagTemplate(checked_tag(tag)) for tag in tags)
    for template in templates:
        if unknown := [field for field in template.fields if field not in fields]:
            reason = f"template {template.text!r} names {unknown[0]!r}, and the fields are {sorted(fields)}"
            raise RegistrationError(what="Event type", name=name, reason=reason)
    return templates

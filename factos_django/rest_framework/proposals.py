"""Facts that a client sends, as events to be appended, or refused with the place of what is wrong.

Nothing of what is sent is lost, and nothing is guessed.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Annotated, Any, NoReturn, TypeAlias
from uuid import UUID

from msgspec import Meta

from factos_django.core.canonical_json import UnstorableData
from factos_django.core.errors import InvalidInput
from factos_django.core.event import Proposed, UnregisteredEvent
from factos_django.core.event_types import EVENT_TYPES, MAX_VERSION, EventType
from factos_django.core.metadata import ACTOR, IDEMPOTENCY_KEY, KEY_MAX_LENGTH
from factos_django.core.misfit import Misfit
from factos_django.core.naming import checked_name
from factos_django.core.upcasting import upcast
from factos_django.rest_framework.bodies import Body
from factos_django.rest_framework.refusals import InvalidBody, NotProcessable
from factos_django.store.unregistered import allows_unregistered

__all__ = ["NewEvent", "Proposal", "proposal_of"]

logger = logging.getLogger(__name__)

Name: TypeAlias = Annotated[str, Meta(min_length=1, max_length=KEY_MAX_LENGTH)]
Scalar: TypeAlias = Annotated[str, Meta(max_length=1000)] | int | float | bool | None
Version: TypeAlias = Annotated[
    int, Meta(ge=1, le=MAX_VERSION, description="Of the data; by default the newest.")
]

#: What the server says of a fact, so that no client can.
_OURS = (ACTOR, IDEMPOTENCY_KEY)


class NewEvent(Body, kw_only=True):
    """A fact to be recorded. Its position, its time and who sent it are the server's to say."""

    type: str
    data: Annotated[Any, Meta(description="As the JSON Schema of its type has it.")]
    tags: Annotated[list[str], Meta(description="In addition to those that follow from its data.")] = []
    version: Version | None = None
    id: Annotated[UUID, Meta(description="Sent again under its id, the fact is recorded once.")] | None = None
    metadata: Annotated[dict[Name, Scalar], Meta(max_length=32)] = {}


@dataclass(frozen=True, slots=True)
class Proposal:
    """An event to be appended, with the name of its type and all of its tags, derived ones first."""

    proposed: Proposed[Any]
    type: str
    tags: tuple[str, ...]


def proposal_of(sent: NewEvent, path: str) -> Proposal:
    """Return what was sent, which stands at ``path`` of the body, as an event to be appended.

    Raises:
        NotProcessable: Its type is unknown, or its data is none of that type.
        InvalidBody: Its tags or its metadata are none that a log may hold.
    """
    for name in _OURS:
        if name in sent.metadata:
            _refuse_body(f"{path}.metadata.{name}", "The server says this, no client does")
    kind = EVENT_TYPES.named(sent.type)
    event = _unregistered(sent, path) if kind is None else _decoded(kind, sent, path)
    derived = () if kind is None else _derived(kind, event, path)
    try:
        proposed = Proposed(event, id=sent.id, tags=tuple(sent.tags), metadata=sent.metadata or None)
    except InvalidInput as error:
        _refuse_body(path, str(error))
    return Proposal(proposed, sent.type, tuple(dict.fromkeys((*derived, *proposed.tags))))


def _unregistered(sent: NewEvent, path: str) -> UnregisteredEvent:
    try:
        checked_name(sent.type)
    except InvalidInput as error:
        _refuse_body(f"{path}.type", str(error))
    if not allows_unregistered(sent.type):
        _refuse(f"{path}.type", "There is no such event type")
    return UnregisteredEvent(sent.type, sent.version or 1, sent.data)


def _decoded(kind: EventType, sent: NewEvent, path: str) -> Any:
    version = sent.version or kind.version
    if version > kind.version:
        _refuse(f"{path}.version", f"The newest version of {kind.name} is {kind.version}")
    data = sent.data if version == kind.version else _upcast(kind, version, sent.data, path)
    try:
        return kind.codec.convert_strictly(data)
    except Misfit as error:
        later = "" if version == kind.version else f" (once it is brought up from version {version})"
        _refuse(f"{path}.data{error.path.removeprefix('$')}", f"{error.reason}{later}", error)
    except UnstorableData as error:
        _refuse(f"{path}.data", str(error), error)
    except Exception as error:  # the class is the application's, and may check its fields in any way
        _refuse_unexpectedly(kind, f"{path}.data", "Its class refused it", error)


def _upcast(kind: EventType, version: int, data: Any, path: str) -> Any:
    try:
        return upcast(kind.name, version, kind.version, data)
    except LookupError as error:
        if type(error) is not LookupError:  # an upcaster's own KeyError
            _refuse_unexpectedly(kind, f"{path}.data", f"It is no data of version {version}", error)
        _refuse(f"{path}.version", f"Version {version} of {kind.name} is not known any more", error)
    except Exception as error:
        _refuse_unexpectedly(kind, f"{path}.data", f"It is no data of version {version}", error)


def _derived(kind: EventType, event: Any, path: str) -> tuple[str, ...]:
    try:
        return kind.tags_of(event)
    except InvalidInput as error:
        _refuse(f"{path}.data", str(error), error)
    except Exception as error:  # a function of the application
        _refuse_unexpectedly(kind, f"{path}.data", "No tags follow from it", error)


def _refuse_unexpectedly(kind: EventType, path: str, detail: str, error: Exception) -> NoReturn:
    logger.warning("A %s that was sent is refused: %r", kind.name, error, exc_info=error)
    _refuse(path, detail, error)


def _refuse(path: str, detail: str, cause: Exception | None = None) -> NoReturn:
    errors = [{"path": path, "detail": detail}]
    raise NotProcessable(f"{path}: {detail}.", errors=errors) from cause


def _refuse_body(path: str, detail: str) -> NoReturn:
    raise InvalidBody({"path": path, "detail": detail})

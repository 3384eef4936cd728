"""Events made ready to be stored: named, tagged, encoded and judged before any lock is taken."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple
from uuid import UUID, uuid5

from factos_django.conf import conf
from factos_django.core.canonical_json import UnstorableData, encode_json
from factos_django.core.errors import EncodeError, InvalidAppend, InvalidMetadata
from factos_django.core.event import Proposed
from factos_django.core.event_id import new_event_ids
from factos_django.core.metadata import IDEMPOTENCY_KEY, Metadata, MetadataValue, checked_metadata
from factos_django.stamps import current_stamps
from factos_django.store.unregistered import kind_of

__all__ = ["Prepared", "fingerprint", "metadata_of_append", "prepare"]


class Prepared(NamedTuple):  # made a thousand at a time: a frozen dataclass takes three times as long
    """One event as it will be stored, but for its position and time.

    ``repeatable`` tells that its id comes from the client, so that a repetition can be recognised.
    """

    event: Any
    id: UUID
    type: str
    version: int
    tags: tuple[str, ...]
    metadata: Mapping[str, MetadataValue]
    data_text: str
    metadata_text: str
    tags_text: str
    repeatable: bool


def metadata_of_append(metadata: Metadata | None, idempotency_key: str | None) -> dict[str, MetadataValue]:
    """Return the stamps in force under ``metadata``, with the idempotency key."""
    key = {} if idempotency_key is None else {IDEMPOTENCY_KEY: idempotency_key}
    return checked_metadata(current_stamps()) | checked_metadata(metadata) | key


def prepare(events: Iterable[Any], metadata: Mapping[str, MetadataValue]) -> tuple[Prepared, ...]:
    """Return ``events`` (bare or Proposed) ready to be stored.

    Raises:
        InvalidInput: In one of its forms; nothing has reached the database.
    """
    batch = _batch(events)
    given = {place: each for place, each in enumerate(batch) if isinstance(each, Proposed)}
    ids = _ids(given, len(batch))
    shared = _Shared(metadata, conf.MAX_TAGS, conf.MAX_EVENT_BYTES)
    return tuple(
        _prepared(each, given.get(place), id, shared, repeatable=ids.repeatable)
        for place, (each, id) in enumerate(zip(batch, ids.values, strict=True))
    )


def fingerprint(prepared: Sequence[Prepared]) -> str:
    """Return a digest of what is to be recorded, the same when the same append is asked for again."""
    said = [
        [each.type, each.version, each.data_text, sorted(each.tags), str(each.id) if each.repeatable else ""]
        for each in prepared
    ]
    return hashlib.sha256(encode_json(said)).hexdigest()


def _batch(events: Iterable[Any]) -> list[Any]:
    if isinstance(events, (str, bytes, Mapping)) or not isinstance(events, Iterable):
        raise InvalidAppend(reason=f"append takes a list of events, not {type(events).__name__}")
    batch = list(events)
    if not batch:
        raise InvalidAppend(reason="it holds no events")
    if len(batch) > conf.MAX_BATCH:
        raise InvalidAppend(reason=f"it holds {len(batch)} events; FACTOS_MAX_BATCH is {conf.MAX_BATCH}")
    return batch


@dataclass(frozen=True, slots=True)
class _Ids:
    values: list[UUID]
    repeatable: bool


def _ids(given: Mapping[int, Proposed[Any]], count: int) -> _Ids:
    """Keep the client's ids; derive the others from the first of them, so that a repetition finds them."""
    known = {place: each.id for place, each in given.items() if each.id is not None}
    if not known:
        return _Ids(new_event_ids(count), repeatable=False)
    if repeated := [id for id, times in Counter(known.values()).items() if times > 1]:
        raise InvalidAppend(reason=f"two of its events have the id {repeated[0]}")
    first = next(iter(known.values()))
    return _Ids([known.get(place) or uuid5(first, str(place)) for place in range(count)], repeatable=True)


class _Shared:
    """What the events of one append have in common: their metadata and their limits."""

    def __init__(self, metadata: Mapping[str, MetadataValue], most_tags: int, most_bytes: int) -> None:
        self.metadata = metadata
        self.most_tags = most_tags
        self.most_bytes = most_bytes

    @cached_property
    def metadata_text(self) -> str:
        """The JSON of the metadata, for the events that add none."""
        return self.limited("Metadata", _encoded_metadata(self.metadata))

    def limited(self, what: str, text: bytes) -> str:
        """Return ``text``, the JSON of ``what``; raise EncodeError where it is too long."""
        if len(text) > self.most_bytes:
            reason = f"its JSON has {len(text)} bytes; FACTOS_MAX_EVENT_BYTES is {self.most_bytes}"
            raise EncodeError(type=what, reason=reason)
        return text.decode()

    def tags(self, name: str, tags: tuple[str, ...]) -> tuple[str, ...]:
        """Return ``tags`` if an event may have so many; raise InvalidAppend otherwise."""
        if len(tags) > self.most_tags:
            raise InvalidAppend(reason=f"{name} has {len(tags)} tags; FACTOS_MAX_TAGS is {self.most_tags}")
        return tags


def _prepared(
    each: Any, proposed: Proposed[Any] | None, id: UUID, shared: _Shared, *, repeatable: bool
) -> Prepared:
    event = each if proposed is None else proposed.event
    kind: Any = kind_of(event)  # which fits the event
    tags, metadata, metadata_text = kind.tags_of(event), shared.metadata, ""
    if proposed is not None:
        tags = tuple(dict.fromkeys((*tags, *proposed.tags)))
        if proposed.metadata:
            metadata = {**metadata, **proposed.metadata}
            metadata_text = shared.limited(f"Metadata of {kind.name}", _encoded_metadata(metadata))
    return Prepared(
        event=event,
        id=id,
        type=kind.name,
        version=kind.version,
        tags=shared.tags(kind.name, tags),
        metadata=metadata,
        data_text=shared.limited(kind.name, kind.encode(event)),
        metadata_text=metadata_text or shared.metadata_text,
        tags_text=encode_json(tags).decode(),
        repeatable=repeatable,
    )


def _encoded_metadata(metadata: Mapping[str, MetadataValue]) -> bytes:
    try:
        return encode_json(dict(metadata))
    except UnstorableData as error:
        raise InvalidMetadata(key=_unstorable_key(metadata), reason=str(error)) from error


def _unstorable_key(metadata: Mapping[str, MetadataValue]) -> str:
    for key, value in metadata.items():
        try:
            encode_json(value)
        except UnstorableData:
            return key
    return next(iter(metadata))

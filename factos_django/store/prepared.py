"""Events made ready to be stored: named, tagged, encoded and judged before any lock is taken."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4, uuid5

from factos_django.conf import conf
from factos_django.core.canonical_json import UnstorableData, encode_json
from factos_django.core.errors import EncodeError, InvalidAppend, InvalidMetadata
from factos_django.core.event import Proposed
from factos_django.core.event_types import type_of
from factos_django.core.metadata import IDEMPOTENCY_KEY, Metadata, MetadataValue, checked_metadata
from factos_django.core.tag import checked_tags
from factos_django.stamps import current_stamps

__all__ = ["Prepared", "fingerprint", "metadata_of_append", "prepare"]


@dataclass(frozen=True, slots=True)
class Prepared:
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
    proposals = [each if isinstance(each, Proposed) else Proposed(each) for each in _batch(events)]
    ids = _ids(proposals)
    return tuple(
        _prepared(proposal, id, metadata, repeatable=ids.repeatable)
        for proposal, id in zip(proposals, ids.values, strict=True)
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


def _ids(proposals: Sequence[Proposed[Any]]) -> _Ids:
    """Keep the client's ids; derive the others from the first of them, so that a repetition finds them."""
    given = [proposal.id for proposal in proposals if proposal.id is not None]
    if repeated := [id for id, count in Counter(given).items() if count > 1]:
        raise InvalidAppend(reason=f"two of its events have the id {repeated[0]}")
    if not given:
        return _Ids([uuid4() for _ in proposals], repeatable=False)
    derived = (uuid5(given[0], str(ordinal)) for ordinal in range(len(proposals)))
    return _Ids([p.id or other for p, other in zip(proposals, derived, strict=True)], repeatable=True)


def _prepared(
    proposal: Proposed[Any], id: UUID, metadata: Mapping[str, MetadataValue], *, repeatable: bool
) -> Prepared:
    kind = type_of(proposal.event)
    tags = checked_tags((*kind.tags_of(proposal.event), *proposal.tags))
    if len(tags) > conf.MAX_TAGS:
        raise InvalidAppend(reason=f"{kind.name} has {len(tags)} tags; FACTOS_MAX_TAGS is {conf.MAX_TAGS}")
    merged = {**metadata, **(proposal.metadata or {})}
    return Prepared(
        event=proposal.event,
        id=id,
        type=kind.name,
        version=kind.version,
        tags=tags,
        metadata=merged,
        data_text=_limited(kind.name, kind.encode(proposal.event)),
        metadata_text=_limited(f"Metadata of {kind.name}", _encoded_metadata(merged)),
        tags_text=encode_json(tags).decode(),
        repeatable=repeatable,
    )


def _encoded_metadata(metadata: Mapping[str, MetadataValue]) -> bytes:
    try:
        return encode_json(dict(metadata))
    except UnstorableData as error:
        raise InvalidMetadata(key=next(iter(metadata)), reason=str(error)) from error


def _limited(what: str, text: bytes) -> str:
    if len(text) > conf.MAX_EVENT_BYTES:
        reason = f"its JSON has {len(text)} bytes; FACTOS_MAX_EVENT_BYTES is {conf.MAX_EVENT_BYTES}"
        raise EncodeError(type=what, reason=reason)
    return text.decode()

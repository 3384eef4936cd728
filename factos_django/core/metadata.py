"""Metadata: what is known about the making of a fact, and is no part of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TypeAlias

from factos_django.core.errors import InvalidMetadata

__all__ = [
    "ACTOR",
    "CAUSATION_ID",
    "CORRELATION_ID",
    "IDEMPOTENCY_KEY",
    "KEY_MAX_LENGTH",
    "OPERATION_ID",
    "SOURCE_CONTEXT",
    "Metadata",
    "MetadataValue",
    "checked_idempotency_key",
    "checked_metadata",
    "is_storable_text",
]

MetadataValue: TypeAlias = "str | int | float | bool | None"
#: Names to JSON scalars. Any name is allowed; the constants below are those that factos knows.
Metadata: TypeAlias = Mapping[str, MetadataValue]

CORRELATION_ID = "correlation_id"
CAUSATION_ID = "causation_id"
ACTOR = "actor"
SOURCE_CONTEXT = "source_context"
IDEMPOTENCY_KEY = "idempotency_key"
OPERATION_ID = "operation_id"

KEY_MAX_LENGTH = 255


def checked_metadata(metadata: Metadata | None) -> dict[str, MetadataValue]:
    """Return a copy of ``metadata``, without idempotency key; raise InvalidMetadata if it can't be stored."""
    if metadata is None:
        return {}
    if not isinstance(metadata, Mapping):
        raise InvalidMetadata(key=metadata, reason="metadata is a mapping of names to scalars")
    return {_checked_key(key): _checked_value(key, value) for key, value in metadata.items()}


def checked_idempotency_key(key: object) -> str:
    """Return ``key``, 1 to 255 characters without NUL, or raise InvalidMetadata."""
    if not isinstance(key, str) or not 1 <= len(key) <= KEY_MAX_LENGTH:
        raise InvalidMetadata(key=IDEMPOTENCY_KEY, reason=f"a key is 1 to {KEY_MAX_LENGTH} characters")
    return _checked_text(IDEMPOTENCY_KEY, key)


def is_storable_text(text: str) -> bool:
    """Tell whether every database takes ``text``: no NUL, no lone surrogate."""
    return "\x00" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def _checked_key(key: object) -> str:
    if not isinstance(key, str) or not 1 <= len(key) <= KEY_MAX_LENGTH:
        raise InvalidMetadata(key=key, reason=f"a name is a str of 1 to {KEY_MAX_LENGTH} characters")
    if key == IDEMPOTENCY_KEY:
        # As metadata alone it would guard nothing; it works through the unique key of an append.
        raise InvalidMetadata(key=key, reason="give it as the argument idempotency_key=")
    return _checked_text(key, key)


def _checked_value(key: str, value: object) -> MetadataValue:
    if value is not None and not isinstance(value, (str, int, float)):
        raise InvalidMetadata(key=key, reason=f"{type(value).__name__} is no str, number, bool or None")
    if isinstance(value, float) and not math.isfinite(value):
        raise InvalidMetadata(key=key, reason="the number is NaN or infinite")
    return _checked_text(key, value) if isinstance(value, str) else value


def _checked_text(key: str, text: str) -> str:
    if not is_storable_text(text):
        raise InvalidMetadata(key=key, reason="it holds NUL or a lone surrogate")
    return str.__str__(text)  # a member of a str Enum is its value, not its name

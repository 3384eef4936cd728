"""Values of the application, as JSON of an answer, whatever they are."""

from __future__ import annotations

from typing import Any

import msgspec

__all__ = ["plain_json", "plain_text"]


def plain_json(value: Any) -> Any:
    """Return ``value`` as plain data that every JSON renderer takes; as text where it has no JSON."""
    try:
        return msgspec.json.decode(msgspec.json.encode(value, enc_hook=str))
    except Exception:  # it may be of any class, and fail in any way
        return plain_text(value)


def plain_text(value: Any) -> str:
    """Return ``value`` as text that UTF-8 can encode."""
    try:
        return str(value).encode("utf-8", "backslashreplace").decode()
    except Exception:
        return type(value).__name__

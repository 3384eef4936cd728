"""Reading what is stored: brought up to the version of the code, or refused with its name."""

from __future__ import annotations

from typing import Any, Protocol

from factos_django.core.canonical_json import UnstorableData, decode_json
from factos_django.core.codec import Codec
from factos_django.core.errors import DecodeError
from factos_django.core.upcasting import upcast

__all__ = ["decoded"]


class Kind(Protocol):
    """A registered type of event or effect; ``what`` says which of them."""

    @property
    def what(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def version(self) -> int: ...
    @property
    def codec(self) -> Codec: ...


def decoded(kind: Kind, version: int, text: str | bytes, *, position: int | None) -> Any:
    """Return what ``text`` holds, brought up from the ``version`` that was stored; raise DecodeError."""
    try:
        if version == kind.version:
            return kind.codec.decode(text)
        if version > kind.version:
            raise LookupError(f"newer code wrote it; this code knows version {kind.version}")
        return kind.codec.convert(upcast(kind.name, version, kind.version, decode_json(text)))
    except Exception as error:  # an upcaster is the application's: whatever it raises names the type
        reason = str(error) if type(error) in (UnstorableData, LookupError) else repr(error)
        told = DecodeError(type=kind.name, version=version, reason=reason, position=position, what=kind.what)
        raise told from error

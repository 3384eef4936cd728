"""Dataclasses to JSON text and back, by msgspec, with nothing lost on the way."""

from __future__ import annotations

from typing import Any

import msgspec

from factos_django.core.canonical_json import (
    UnstorableData,
    encode_json,
    encode_unchecked,
    parse_strictly,
)

__all__ = ["Codec"]


class Codec:
    """Encodes and decodes the instances of one dataclass.

    Encoding proves that the text decodes to the same data again, so a field of the wrong type, a
    NaN or a dictionary with keys ``1`` and ``"1"`` is refused when it is written, not when it is read.
    """

    def __init__(self, cls: type[Any]) -> None:
        self.cls = cls
        try:
            self._decoder = msgspec.json.Decoder(cls)
            #: As ``decode``, with the errors of msgspec.
            self.read = self._decoder.decode
        except (TypeError, NameError) as error:
            raise UnstorableData(f"msgspec has no codec for its class: {error}") from error

    def encode(self, value: Any) -> bytes:
        """Return the canonical JSON of ``value``; raise UnstorableData if it would not come back."""
        first = encode_json(value)
        again = self.decode(first)
        if encode_unchecked(again) == first:
            return first
        second = encode_json(again)
        if first != second and parse_strictly(first) != parse_strictly(second):
            raise UnstorableData("it does not survive being written and read")
        return second

    def decode(self, text: str | bytes) -> Any:
        """Return the instance that ``text`` holds; raise UnstorableData naming the field that is wrong."""
        try:
            return self._decoder.decode(text)
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            raise UnstorableData(str(error)) from error

    def convert(self, data: Any) -> Any:
        """Return the instance that the parsed JSON ``data`` describes; raise UnstorableData if none."""
        return self.decode(encode_json(data))  # by the one way of reading: keys are text only there

    def json_schema(self) -> dict[str, Any]:
        """Return the JSON Schema (2020-12) of the class."""
        return msgspec.json.schema(self.cls)

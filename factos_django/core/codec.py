"""Dataclasses to JSON text and back, by msgspec, with nothing lost on the way."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import msgspec
import msgspec.inspect

from factos_django.core.canonical_json import (
    UnstorableData,
    encode_json,
    encode_unchecked,
    parse_strictly,
)
from factos_django.core.misfit import misfit_of, misfits

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

    def convert_strictly(self, data: Any) -> Any:
        """Return the instance that the parsed JSON ``data``, sent by somebody, describes.

        Unlike ``convert`` it refuses what the instance would not keep: members that its classes do not
        have, at any depth, and numbers that would be rounded.

        Raises:
            Misfit: It describes none; it says where.
            UnstorableData: It is no JSON that every database stores.
        """
        text = encode_json(data)
        try:
            instance = self._decoder.decode(text)
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            raise misfit_of(error) from error
        for misfit in misfits(self._type_info, data):
            raise misfit
        return instance

    @cached_property
    def _type_info(self) -> msgspec.inspect.Type:
        return msgspec.inspect.type_info(self.cls)

    def json_schema(self) -> dict[str, Any]:
        """Return the JSON Schema (2020-12) of the class."""
        return msgspec.json.schema(self.cls)

"""Request bodies: JSON as RFC 8259 has it, in UTF-8, and of it only what every database can store.

Python's own parser takes more (NaN, a key that stands twice), and breaks at deep nesting.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import IO, Any

from django.conf import settings
from rest_framework.exceptions import APIException, ParseError, UnsupportedMediaType
from rest_framework.parsers import BaseParser

from factos_django.core.canonical_json import unique_keys
from factos_django.core.metadata import is_storable_text

__all__ = ["MAX_DEPTH", "BodyTooLarge", "LengthRequired", "StrictJSONParser", "parsed"]

#: Levels of nesting of a body. That of an event's data is bounded by the store, and is less.
MAX_DEPTH = 64

_STRINGS = re.compile(r'"(?:[^"\\]|\\.)*"')
_CHARSETS = {"", "utf-8", "utf8"}


class BodyTooLarge(APIException):
    """The body has more bytes than DATA_UPLOAD_MAX_MEMORY_SIZE allows."""

    status_code = 413
    default_code = "body_too_large"
    default_detail = "The body is too large."


class LengthRequired(APIException):
    """The body comes in chunks, and nothing says how long it is."""

    status_code = 411
    default_code = "length_required"
    default_detail = "Send the body with Content-Length, not in chunks."


class StrictJSONParser(BaseParser):
    """Parses ``application/json``. It trims nothing, takes no number for a string, and guesses no charset."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """Return the value of the body.

        Raises:
            UnsupportedMediaType: It is compressed, or in another charset than UTF-8.
            BodyTooLarge: It has more than DATA_UPLOAD_MAX_MEMORY_SIZE bytes.
            ParseError: It is no such JSON.
        """
        request = (parser_context or {})["request"]
        _refuse_encoding(request.META)
        body = _limited(stream)
        if len(body) < int(request.META["CONTENT_LENGTH"]):  # a number: REST framework looked at it
            raise ParseError("The body ends before its Content-Length.")
        return parsed(body)


def parsed(body: bytes) -> Any:
    """Return the value of JSON ``body``; raise ParseError."""
    try:
        text = body.decode("utf-8")
        _refuse_deep(text)
        value = json.loads(text, object_pairs_hook=unique_keys, parse_constant=_finite, parse_float=_finite)
    except UnicodeDecodeError as error:
        raise ParseError(f"The body is not UTF-8, at byte {error.start}.") from error
    except (ValueError, RecursionError) as error:
        raise ParseError(f"The body is refused: {error}.") from error
    if "\\u" in text and not all(map(is_storable_text, _strings(value))):
        raise ParseError("The body is refused: a string holds NUL or a lone surrogate.")
    return value


def _refuse_encoding(headers: Mapping[str, Any]) -> None:
    coding = headers.get("HTTP_CONTENT_ENCODING", "identity")
    if coding.lower() != "identity":
        raise UnsupportedMediaType(coding, detail="Send the body without Content-Encoding.")
    charset = re.search(r"charset\s*=\s*\"?([^\s\";]*)", headers.get("CONTENT_TYPE", ""), re.IGNORECASE)
    if charset and charset[1].lower() not in _CHARSETS:
        raise UnsupportedMediaType(charset[1], detail="Send JSON in UTF-8.")


def _limited(stream: IO[Any]) -> bytes:
    most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    body: bytes = stream.read() if most is None else stream.read(most + 1)
    if most is not None and len(body) > most:
        raise BodyTooLarge(f"The body has more than {most} bytes. Send fewer events at a time.")
    return body


def _refuse_deep(text: str) -> None:
    depth = 0
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return
    for bracket in re.findall(r"[\[\]{}]", _STRINGS.sub("", text)):
        depth += 1 if bracket in "[{" else -1
        if depth > MAX_DEPTH:
            raise ValueError(f"it is nested deeper than {MAX_DEPTH} levels")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:20]} is no finite number")
    return number


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from value
        for each in value.values():
            yield from _strings(each)
    elif isinstance(value, list):
        for each in value:
            yield from _strings(each)

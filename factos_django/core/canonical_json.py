"""JSON text that every supported database keeps as it is.

PostgreSQL's jsonb rewrites ``1e22`` as an integer and drops the sign of ``-0.0``, and refuses NUL;
MariaDB refuses documents of more than 31 levels; none of them knows NaN. So numbers are written
without exponents, and what would be refused by one database is refused for all of them.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any

import msgspec

__all__ = [
    "MAX_DEPTH",
    "UnstorableData",
    "decode_json",
    "encode_json",
    "encode_unchecked",
    "parse_strictly",
    "unique_keys",
]

#: Levels of nesting: MariaDB 10.11's json_valid() accepts 31 and refuses 32.
MAX_DEPTH = 31

# Deterministic, because sets have no order and jsonb keeps none for keys.
_ENCODER = msgspec.json.Encoder(order="deterministic")
_STRING = rb'"(?:[^"\\]|\\.)*"'
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_SUSPECT_NUMBER = re.compile(rb"[0-9]e[+-]?[0-9]|-0\.0")
_EXPONENT = re.compile(rb"e[+-]?[0-9]")  # begins with a letter, which is searched for far faster
_TOKEN = re.compile(_STRING + rb"|-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_BRACKETS = re.compile(_STRING + rb"|[^\[\]{}]")


class UnstorableData(ValueError):
    """This value cannot be stored on every database."""


def encode_json(value: Any) -> bytes:
    """Return ``value`` as canonical JSON (UTF-8), or raise UnstorableData saying why not."""
    text = encode_unchecked(value)
    _refuse_unstorable(value, text)
    suspect = b"-0.0" in text or _EXPONENT.search(text)
    return _TOKEN.sub(_plain_number, text) if suspect and _SUSPECT_NUMBER.search(text) else text


def encode_unchecked(value: Any) -> bytes:
    """Return ``value`` as JSON that some database may refuse or change; raise UnstorableData if none."""
    try:
        return _encode(value)
    except UnicodeEncodeError as error:
        raise UnstorableData("a string holds a lone surrogate") from error
    except RecursionError as error:
        raise UnstorableData(f"it is nested deeper than {MAX_DEPTH} levels") from error
    except (TypeError, ValueError, OverflowError) as error:
        raise UnstorableData(str(error)) from error


def _encode(value: Any) -> bytes:
    try:
        return _ENCODER.encode(value)
    except TypeError:  # deterministic order wants str keys: make them, unless two become one
        parse_strictly(msgspec.json.encode(value))
        return _ENCODER.encode(msgspec.to_builtins(value, str_keys=True))


def parse_strictly(text: bytes) -> Any:
    """Return the plain value of ``text``; raise ValueError for a key that stands twice in a mapping."""
    return json.loads(text, object_pairs_hook=unique_keys)


def unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return ``pairs`` as a mapping; raise ValueError for a key that stands twice. (A hook of json.loads.)"""
    if len(dict(pairs)) != len(pairs):
        raise ValueError("two keys of a mapping are the same text in JSON")
    return dict(pairs)


def decode_json(text: str | bytes) -> Any:
    """Return the plain Python value of JSON ``text``."""
    return msgspec.json.decode(text)


def _refuse_unstorable(value: Any, text: bytes) -> None:
    if b"\\u0000" in text and _NUL.search(text):
        raise UnstorableData("a string holds the character NUL")
    if text.count(b"[") + text.count(b"{") > MAX_DEPTH and _depth(text) > MAX_DEPTH:
        raise UnstorableData(f"it is nested deeper than {MAX_DEPTH} levels")
    if b"null" in text:  # msgspec writes NaN and Infinity as null
        _refuse_nan(value)


def _refuse_nan(value: Any) -> None:
    try:
        json.dumps(msgspec.to_builtins(value, str_keys=True), allow_nan=False)
    except ValueError as error:
        raise UnstorableData("a number is NaN or infinite") from error


def _depth(text: bytes) -> int:
    deepest = depth = 0
    for bracket in _BRACKETS.sub(b"", text):
        depth += 1 if bracket in b"[{" else -1
        deepest = max(deepest, depth)
    return deepest


def _plain_number(token: re.Match[bytes]) -> bytes:
    text = token[0]
    if text.startswith(b'"') or not _SUSPECT_NUMBER.search(text):
        return text
    plain = format(abs(Decimal(text.decode())) if float(text) == 0 else Decimal(text.decode()), "f")
    return (plain if "." in plain else f"{plain}.0").encode()

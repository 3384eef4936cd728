"""Values of columns as they are sent, and as they come in an address.

What comes in is judged by the column as a value of its projection is (``projections.rows.columns``): what no
row can hold is refused, so a database never sees it.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
from django.db import connections, models

from factos_django.core.metadata import is_storable_text
from factos_django.projections.rows.columns import Column, Refusal
from factos_django.rest_framework.moments import moment_text

__all__ = ["ORDERED", "PARSED", "parsed_value", "row_json", "value_as_text"]

_INTEGER = re.compile(r"-?[0-9]{1,20}", re.ASCII)
_NUMBER = re.compile(r"-?[0-9]{1,400}(\.[0-9]{1,400})?([eE][+-]?[0-9]{1,3})?", re.ASCII)


def row_json(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row, values by the names of their columns, for an answer.

    The renderer makes text of a Decimal, base64 of bytes, and of a duration what ISO 8601 has for it.
    """
    return {name: _sent(value) for name, value in row.items()}


def parsed_value(column: Column, text: str, using: str) -> Any:
    """Return the value that ``text`` stands for in ``column``; raise Refusal."""
    try:
        if not is_storable_text(text):
            raise Refusal("it holds NUL or a lone surrogate")
        value = column.judge(_parser(column.target)(text))
        column.prepared(value, connections[using])
    except (ValueError, OverflowError, TypeError, msgspec.ValidationError) as error:
        raise Refusal(str(error)) from error
    return value


def value_as_text(value: Any) -> str:
    """Return a value of a key so that ``parsed_value`` makes the same of it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (bytes, memoryview)):
        return base64.b64encode(bytes(value)).decode()
    if isinstance(value, dt.timedelta):
        return str(msgspec.to_builtins(value))
    return str(_sent(value))


def _sent(value: Any) -> Any:
    return moment_text(value) if isinstance(value, dt.datetime) else value


def _parser(field: models.Field[Any, Any]) -> Callable[[str], Any]:
    for kinds, parse in _PARSERS:
        if isinstance(field, kinds):
            return parse
    raise Refusal("its column cannot be asked for")


def _boolean(text: str) -> bool:
    if text not in ("true", "false"):
        raise Refusal("true or false is wanted")
    return text == "true"


def _matching(pattern: re.Pattern[str], kind: Callable[[str], Any], words: str) -> Callable[[str], Any]:
    def parse(text: str) -> Any:
        if not pattern.fullmatch(text):
            raise Refusal(f"{words} is wanted")
        return kind(text)

    return parse


def _as(kind: type[Any], words: str) -> Callable[[str], Any]:
    def parse(text: str) -> Any:
        try:
            return msgspec.convert(text, kind)
        except msgspec.ValidationError as error:
            raise Refusal(f"{words} is wanted") from error

    return parse


def _moment(text: str) -> dt.datetime:
    value: dt.datetime = _as(dt.datetime, "a moment as 2026-01-31T12:00:00Z (a + as %2B)")(text)
    return value if value.tzinfo is None else value.astimezone(dt.UTC)


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise Refusal("base64 is wanted") from error


#: Kinds of columns whose values have an order that is the same on every database.
ORDERED = (
    models.IntegerField,
    models.DecimalField,
    models.FloatField,
    models.DateTimeField,
    models.DateField,
    models.TimeField,
    models.DurationField,
)

#: Kinds of columns, with what reads their values; a subclass before its base.
_PARSERS: list[tuple[tuple[type[Any], ...], Callable[[str], Any]]] = [
    ((models.BooleanField,), _boolean),
    ((models.IntegerField,), _matching(_INTEGER, int, "a whole number")),
    ((models.DecimalField,), _matching(_NUMBER, Decimal, "a number")),
    ((models.FloatField,), _matching(_NUMBER, float, "a number")),
    ((models.DateTimeField,), _moment),
    ((models.DateField,), _as(dt.date, "a date as 2026-01-31")),
    ((models.TimeField,), _as(dt.time, "a time as 12:00:00")),
    ((models.DurationField,), _as(dt.timedelta, "a duration as P1DT2H (ISO 8601)")),
    ((models.UUIDField,), _as(UUID, "a UUID")),
    ((models.BinaryField,), _bytes),
    ((models.GenericIPAddressField, models.CharField, models.TextField), str),
]

#: Those whose values an address can hold, for a filter.
PARSED = tuple(kind for kinds, parse in _PARSERS if parse is not _bytes for kind in kinds)

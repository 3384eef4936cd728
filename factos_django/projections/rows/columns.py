"""Values on their way between a state and its columns, refused if a database would change them.

A projection is folded from rows that were read back, a rebuild from states that never left the process.
Both come to the same only if every value comes back as it went in, so what would be rounded, cut or
read back as something else is refused, on every database alike.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable
from decimal import Decimal
from enum import Enum
from ipaddress import ip_address
from math import isfinite
from typing import Any, TypeAlias
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.base.operations import BaseDatabaseOperations

__all__ = ["Column", "Refusal", "plain"]


#: Values of these kinds have one text, which PostgreSQL reads; nothing is to be prepared.
_TAKEN_AS_THEY_ARE = (
    models.CharField,
    models.TextField,
    models.IntegerField,
    models.DecimalField,
    models.FloatField,
    models.BooleanField,
    models.DateTimeField,
    models.DateField,
    models.UUIDField,
)


class Refusal(Exception):
    """A value cannot be stored; the message says why."""


#: Returns the value that is stored, or raises Refusal.
Judge: TypeAlias = Callable[[Any], Any]


class Column:
    """One column of a projection table."""

    def __init__(self, field: models.Field[Any, Any]) -> None:
        self.field = field
        self.name: str = field.attname
        self.column: str = field.column or ""
        #: The field whose values it holds: that of another model where it is a foreign key.
        self.target = _target(field)
        self.judge: Judge = _nullable(field, _judge_of(self.target))

    def prepared(self, value: Any, connection: BaseDatabaseWrapper) -> Any:
        """Return ``value``, a judged one, as a parameter of a statement; raise Refusal.

        SQLite alone holds fewer digits than the field says: it makes floating point numbers of them.
        """
        if connection.vendor == "sqlite" and isinstance(value, Decimal):
            _check_digits(value, _DIGITS_OF_SQLITE)
        return self.field.get_db_prep_save(value, connection)

    def preparer(self, connection: BaseDatabaseWrapper) -> Callable[[Any], Any] | None:
        """Return what ``prepared`` does, for COPY; None where psycopg takes the value itself."""
        if isinstance(self.target, _TAKEN_AS_THEY_ARE) and _is_prepared_by_django(self.target):
            return None
        return lambda value: self.prepared(value, connection)

    def json_type(self, connection: BaseDatabaseWrapper) -> str | None:
        """Return the type as which PostgreSQL reads the column's values out of JSON; None if it cannot."""
        kinds = (*_TAKEN_AS_THEY_ARE, models.JSONField)
        if not (isinstance(self.target, kinds) and _is_prepared_by_django(self.target)):
            return None
        return self.target.rel_db_type(connection)

    def reader(self, connection: BaseDatabaseWrapper) -> Callable[[Any], Any] | None:
        """Return what makes a value of what the driver gives; None if that is the value itself."""
        expression = self.field.get_col(self.field.model._meta.db_table)
        converters = [
            *connection.ops.get_db_converters(expression),
            *expression.get_db_converters(connection),
        ]
        if isinstance(self.field, models.BinaryField):
            converters.append(lambda value, *_: None if value is None else bytes(value))
        if isinstance(self.target, models.DateTimeField) and connection.timezone not in (None, dt.UTC):
            converters.append(lambda value, *_: None if value is None else value.astimezone(dt.UTC))
        if not converters:
            return None

        def read(value: Any) -> Any:
            for convert in converters:
                value = convert(value, expression, connection)
            return value

        return read


def _is_prepared_by_django(field: models.Field[Any, Any]) -> bool:
    """Tell whether no class of the application has a say in how ``field`` stores its values."""
    kind = type(field)
    methods = (kind.get_prep_value, kind.get_db_prep_value, kind.get_db_prep_save)
    return all(method.__module__.startswith("django.db.models.fields") for method in methods)


def _target(field: models.Field[Any, Any]) -> models.Field[Any, Any]:
    """Return the field whose values a foreign key holds, or the field itself."""
    while isinstance(field, models.ForeignKey):
        field = field.target_field
    return field


def _nullable(field: models.Field[Any, Any], judge: Judge) -> Judge:
    may_be_null = field.null

    def judged(value: Any) -> Any:
        if value is None:
            if may_be_null:
                return None
            raise Refusal("the column may not be null")
        return judge(value)

    return judged


def _judge_of(field: models.Field[Any, Any]) -> Judge:
    for kind, make in _JUDGES:
        if isinstance(field, kind):
            return make(field)
    return lambda value: value


def _text(field: models.Field[Any, Any]) -> Judge:
    most = field.max_length

    def judge(value: Any) -> Any:
        if type(value) is not str:
            value = _of_type(plain(value), str)
        if most is not None and len(value) > most:
            raise Refusal(f"it has {len(value)} characters; the column holds {most}")
        if "\0" in value:
            raise Refusal("it holds a NUL character, which PostgreSQL does not store")
        if not value.isascii():
            _encodable(value)
        return value

    return judge


def _encodable(value: str) -> None:
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise Refusal("it holds half of a surrogate pair, which has no UTF-8") from error


def _integer(field: models.Field[Any, Any]) -> Judge:
    ranges = BaseDatabaseOperations.integer_field_ranges
    least, most = ranges.get(field.get_internal_type(), ranges["BigIntegerField"])

    def judge(value: Any) -> Any:
        if type(value) is not int:
            value = _of_type(plain(value), int)
        if not least <= value <= most:
            raise Refusal(f"the column holds {least} to {most}")
        return value

    return judge


def _decimal(field: models.Field[Any, Any]) -> Judge:
    places, digits = field.decimal_places, field.max_digits  # type: ignore[attr-defined]

    def judge(value: Any) -> Any:
        _of_type(value, Decimal)
        if not value.is_finite():
            raise Refusal("it is no finite number")
        if -value.as_tuple().exponent > places and _last_place(value) > places:
            raise Refusal(f"the column holds {places} decimal places: round it where it is computed")
        if value.adjusted() >= digits - places and value:
            raise Refusal(f"the column holds {digits - places} digits before the point")
        return value

    return judge


#: Of a number that is stored as REAL and read back as a Decimal.
_DIGITS_OF_SQLITE = 15


def _last_place(value: Decimal) -> int:
    """Return after how many decimal places ``value`` ends, zeros aside; below 0 left of the point.

    No arithmetic: that would round to the precision of the context.
    """
    digits, exponent = value.as_tuple()[1:]
    assert isinstance(exponent, int), "it is finite"
    zeros = len(digits) - len("".join(map(str, digits)).rstrip("0"))
    return -(exponent + zeros) if value else 0


def _check_digits(value: Decimal, most: int) -> None:
    if len(value.as_tuple().digits) > most and value.adjusted() + 1 + _last_place(value) > most:
        raise Refusal(f"SQLite holds {most} digits of a number")


def _float(_: models.Field[Any, Any]) -> Judge:
    def judge(value: Any) -> Any:
        if not isfinite(_of_type(value, float)):
            raise Refusal("it is no finite number")
        return value

    return judge


def _moment(_: models.Field[Any, Any]) -> Judge:
    def judge(value: Any) -> Any:
        zone = _of_type(value, dt.datetime).tzinfo
        if zone is not dt.UTC if settings.USE_TZ else zone is not None:
            _check_zone(zone)
        return value

    return judge


def _check_zone(zone: dt.tzinfo | None) -> None:
    if (zone is not None) is not settings.USE_TZ:
        raise Refusal(f"give it {'a' if settings.USE_TZ else 'no'} time zone (USE_TZ)")
    if zone is not None and str(zone) != "UTC":
        raise Refusal(f"its time zone is {zone}, and it is read back in UTC: use .astimezone(UTC)")


def _time(_: models.Field[Any, Any]) -> Judge:
    def judge(value: Any) -> Any:
        if _of_type(value, dt.time).tzinfo is not None:
            raise Refusal("it has a time zone, which the column does not hold")
        return value

    return judge


def _duration(_: models.Field[Any, Any]) -> Judge:
    def judge(value: Any) -> Any:
        if not -_LONGEST <= _of_type(value, dt.timedelta) <= _LONGEST:
            raise Refusal(f"the column holds up to {_LONGEST.days} days")
        return value

    return judge


#: Most databases hold microseconds, in 64 bits.
_LONGEST = dt.timedelta(microseconds=2**63 - 1)


def _date(_: models.Field[Any, Any]) -> Judge:
    def judge(value: Any) -> Any:
        if isinstance(value, dt.datetime):
            raise Refusal("it is a datetime; the column holds a date")
        return _of_type(value, dt.date)

    return judge


def _json(_: models.Field[Any, Any]) -> Judge:
    def judge(value: Any) -> Any:
        try:
            text = json.dumps(value, allow_nan=False, ensure_ascii=False)
            again = json.loads(text, parse_float=_json_number)
        except (TypeError, ValueError, RecursionError) as error:
            raise Refusal(f"it has no JSON: {error}") from error
        _encodable(text)
        if _JSON_NUL.search(text):
            raise Refusal("it holds a NUL character, which PostgreSQL does not store")
        if again != value:
            raise Refusal("it is read back as something else: JSON has lists, and keys that are text")
        return value

    return judge


#: Behind an even number of backslashes: an odd one would escape that of the text itself.
_JSON_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


def _json_number(text: str) -> float:
    if "e+" in text:
        raise Refusal(f"PostgreSQL reads {text} back as a whole number")
    return float(text)


def _address(_: models.Field[Any, Any]) -> Judge:
    def judge(value: Any) -> Any:
        try:
            form = str(ip_address(_of_type(value, str)))
        except ValueError as error:
            raise Refusal("it is no IP address") from error
        if form != value or "%" in value or value.startswith("::ffff:"):
            raise Refusal(f"it is not in its one form: use str(ip_address(...)): {form}")
        return value

    return judge


def _instance(kind: type[Any]) -> Callable[[models.Field[Any, Any]], Judge]:
    return lambda _: lambda value: _of_type(value, kind)


def _of_type(value: Any, kind: type[Any]) -> Any:
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise Refusal(f"a {kind.__name__} is wanted, not a {type(value).__name__}")
    return value


def plain(value: Any) -> Any:
    """Return the value of a member of an enumeration, or ``value`` itself."""
    return value.value if isinstance(value, Enum) else value


# The first kind that a field is; subclasses before their bases.
_JUDGES: list[tuple[type[Any], Callable[[models.Field[Any, Any]], Judge]]] = [
    (models.JSONField, _json),
    (models.BooleanField, _instance(bool)),
    (models.IntegerField, _integer),
    (models.DecimalField, _decimal),
    (models.FloatField, _float),
    (models.DateTimeField, _moment),
    (models.DateField, _date),
    (models.TimeField, _time),
    (models.DurationField, _duration),
    (models.UUIDField, _instance(UUID)),
    (models.BinaryField, _instance(bytes)),
    (models.GenericIPAddressField, _address),
    (models.CharField, _text),
    (models.TextField, _text),
    (models.FilePathField, _text),
    (models.FileField, _text),
]

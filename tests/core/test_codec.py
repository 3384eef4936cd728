import json
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum
from typing import Any, NamedTuple, TypedDict
from uuid import UUID

import msgspec
import pytest

from factos_django.core.canonical_json import UnstorableData
from factos_django.core.codec import Codec
from factos_django.core.misfit import Misfit


class Colour(Enum):
    RED = "red"


@dataclass(frozen=True)
class Seat:
    row: int
    label: str | None = None


@dataclass(frozen=True)
class Everything:
    """Every kind of field."""

    text: str
    moment: datetime
    day: date
    price: Decimal
    id: UUID
    colour: Colour
    seat: Seat
    seats: list[Seat]
    labels: set[str]
    pair: tuple[int, str]
    by_name: dict[str, Seat]
    either: int | str | None
    ratio: float
    anything: Any = None
    extras: tuple[str, ...] = field(default_factory=tuple)


EVERYTHING = Everything(
    text="é \N{GRINNING FACE}",
    moment=datetime(2026, 2, 1, 12, 30, 0, 123456, tzinfo=timezone(timedelta(hours=-3))),
    day=date(2026, 2, 1),
    price=Decimal("1E+3"),
    id=UUID(int=7),
    colour=Colour.RED,
    seat=Seat(1, "a"),
    seats=[Seat(2), Seat(3, "b")],
    labels={"x", "y", "z"},
    pair=(1, "one"),
    by_name={"c": Seat(4)},
    either="five",
    ratio=1e22,
    anything={"deep": [1, 2.0, None]},
    extras=("e",),
)


def test_every_kind_of_field_comes_back_as_it_was():
    codec = Codec(Everything)
    assert codec.decode(codec.encode(EVERYTHING)) == EVERYTHING


def test_the_same_value_has_the_same_text_whatever_the_order_of_a_set():
    codec = Codec(Everything)
    assert len({codec.encode(EVERYTHING) for _ in range(5)}) == 1
    assert json.loads(codec.encode(EVERYTHING))["labels"] == ["x", "y", "z"]


def test_an_int_in_a_float_field_is_written_as_the_float_it_will_be():
    @dataclass(frozen=True)
    class Measured:
        metres: float

    assert Codec(Measured).encode(Measured(2)) == b'{"metres":2.0}'


def made(row: Any, label: Any = None) -> Seat:
    """A seat with fields of any type."""
    return Seat(row, label)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (made("one"), r"Expected `int`, got `str` - at `\$.row`"),
        (made(1, 7), r"Expected `str \| null`, got `int` - at `\$.label`"),
        (made(1.5), "Expected `int`, got `float`"),
        (made(None), "Expected `int`, got `null`"),
        (Seat(1, "a\x00"), "NUL"),
    ],
)
def test_a_field_of_the_wrong_type_is_refused_when_it_is_written(value, reason):
    with pytest.raises(UnstorableData, match=reason):
        Codec(Seat).encode(value)


def test_data_that_would_come_back_as_something_else_is_refused():
    @dataclass(frozen=True)
    class Loose:
        anything: Any

    for lossy in ({1: "a", "1": "b"}, float("nan"), object()):
        with pytest.raises(UnstorableData):
            Codec(Loose).encode(Loose(lossy))


@pytest.mark.parametrize("text", ["{", "", "[]", '{"row": "one"}', "{}", "null", '{"row": 1, "row": }'])
def test_text_that_is_no_such_value_is_refused(text):
    with pytest.raises(UnstorableData):
        Codec(Seat).decode(text)


def test_unknown_keys_of_history_are_skipped():
    assert Codec(Seat).decode('{"row": 1, "colour": "red"}') == Seat(1)


def test_parsed_data_is_converted():
    codec = Codec(Everything)
    assert codec.convert(json.loads(codec.encode(EVERYTHING))) == EVERYTHING
    with pytest.raises(UnstorableData, match=r"\$.row"):
        Codec(Seat).convert({"row": "one"})


class Corner(NamedTuple):
    at: Seat


class Shape(TypedDict):
    seat: Seat


class Circle(msgspec.Struct, tag="circle"):
    radius: float


class Square(msgspec.Struct, tag="square"):
    side: Decimal
    seat: Seat | None = None


class Row(msgspec.Struct, array_like=True):
    number: int


@dataclass(frozen=True)
class Nested:
    seats: tuple[Seat, ...] = ()
    pair: tuple[int, Seat] | None = None
    corner: Corner | None = None
    shape: Shape | None = None
    by_name: dict[str, list[Seat]] = field(default_factory=dict)
    one_or_many: Seat | list[Seat] | None = None
    figure: Circle | Square | None = None
    row: Row | None = None
    by_number: dict[int, int] = field(default_factory=dict)
    ratio: float | None = None
    amount: int | float = 0
    price: Decimal | None = None
    below: "Nested | None" = None
    anything: Any = None


FITTING = [
    {},
    {"seats": [{"row": 1, "label": "a"}], "anything": {"foo": [{"bar": 1e300}]}},
    {"below": {"below": {"pair": [1, {"row": 2}]}}},
    {"figure": {"type": "square", "side": "1.10", "seat": {"row": 1}}},
    {"figure": {"type": "circle", "radius": 2}, "row": [1], "corner": [{"row": 1}]},
    {"ratio": 2**53, "amount": 2**53 + 1, "price": "0.10"},
]


@pytest.mark.parametrize("data", FITTING)
def test_data_that_is_kept_whole_is_converted_strictly(data):
    codec = Codec(Nested)
    assert codec.convert_strictly(data) == codec.convert(data)


@pytest.mark.parametrize(
    ("data", "path", "reason"),
    [
        ({"foo": 1}, "$.foo", "no member `foo`"),
        ({"seats": [{"row": 1}, {"row": 2, "colour": None}]}, "$.seats[1].colour", "no member"),
        ({"pair": [1, {"row": 2, "x": 1}]}, "$.pair[1].x", "no member"),
        ({"corner": [{"row": 2, "x": 1}]}, "$.corner[0].x", "no member"),
        ({"shape": {"seat": {"row": 1}, "x": 1}}, "$.shape.x", "no member"),
        ({"shape": {"seat": {"row": 1, "x": 1}}}, "$.shape.seat.x", "no member"),
        ({"by_name": {"a": [{"row": 1, "x": 1}]}}, "$.by_name.a[0].x", "no member"),
        ({"one_or_many": {"row": 1, "x": 1}}, "$.one_or_many.x", "no member"),
        ({"one_or_many": [{"row": 1, "x": 1}]}, "$.one_or_many[0].x", "no member"),
        ({"figure": {"type": "circle", "radius": 1, "side": 1}}, "$.figure.side", "no member"),
        ({"figure": {"type": "square", "side": "1", "radius": 1}}, "$.figure.radius", "no member"),
        ({"row": [1, 2]}, "$.row[1]", "no such member"),
        ({"below": {"below": {"foo": 1}}}, "$.below.below.foo", "no member"),
        ({"ratio": 2**53 + 1}, "$.ratio", "so many digits"),
        ({"price": 1.1}, "$.price", "as a string"),
        ({"seats": [{"row": "one"}]}, "$.seats[0].row", "Expected `int`, got `str`"),
        ({"seats": [{}]}, "$.seats[0]", "missing required field `row`"),
        ([], "$", "Expected `object`, got `array`"),
        ({"by_number": {"one": 1}}, "$.by_number", "Expected `int`, got `str`"),
    ],
)
def test_nothing_of_what_was_sent_is_lost_silently(data, path, reason):
    with pytest.raises(Misfit) as error:
        Codec(Nested).convert_strictly(data)
    assert error.value.path == path
    assert reason in error.value.reason


def test_what_no_database_stores_is_no_misfit_of_a_class():
    with pytest.raises(UnstorableData, match="NUL"):
        Codec(Nested).convert_strictly({"anything": "\x00"})


def test_a_dataclass_may_check_its_fields_and_history_that_fails_is_refused():
    @dataclass(frozen=True)
    class Positive:
        number: int

        def __post_init__(self):
            if self.number <= 0:
                raise ValueError("not positive")

    with pytest.raises(UnstorableData, match="not positive"):
        Codec(Positive).decode('{"number": 0}')


def test_the_json_schema_names_required_fields_types_and_nested_classes():
    schema = Codec(Everything).json_schema()
    assert schema["$ref"] == "#/$defs/Everything"
    everything, seat = schema["$defs"]["Everything"], schema["$defs"]["Seat"]
    assert everything["description"] == "Every kind of field."
    assert "anything" not in everything["required"]
    assert everything["properties"]["day"] == {"type": "string", "format": "date"}
    assert seat["properties"]["row"] == {"type": "integer"}
    assert seat["required"] == ["row"]
    json.dumps(schema)

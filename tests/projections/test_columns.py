"""What a column takes comes back as it went in, on every database; all else is refused, by each of them."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import User

from factos_django import UnstorableState
from factos_django.projections.rows import Shape, table_of
from tests.ledger.domain import Pair
from tests.ledger.models import Specimen, Turnover
from tests.scratch import connected_anew
from tests.stores import Store, on_databases


class Suit(Enum):
    SPADES = "spades"
    HEARTS = "hearts"


class Rank(IntEnum):
    ACE = 1
    KING = 13


@dataclass(frozen=True, slots=True)
class State:
    label: str = ""
    text: str = ""
    small: int | None = None
    whole: int | None = None
    big: int | None = None
    positive: int | None = None
    amount: Decimal | None = None
    ratio: float | None = None
    flag: bool | None = None
    moment: dt.datetime | None = None
    day: dt.date | None = None
    clock: dt.time | None = None
    span: dt.timedelta | None = None
    token: UUID | None = None
    raw: bytes | None = None
    data: Any = None
    address: str | None = None
    suit: Suit = Suit.SPADES
    rank: Rank | None = None
    owner_id: int | None = None


SHAPE = Shape("test.specimens", Specimen, (), State)
NOON = dt.datetime(2026, 3, 29, 12, 30, 15, 123456, dt.UTC)

KEPT: dict[str, list[Any]] = {
    "label": ["", "a", "A ", "  ", "é\u0301", "\U0001f3ab" * 5, "a\nb", "'\"\\%", "\x01\x7f"],
    "text": ["", "x" * 100_000, " trailing ", "\u2028\ufeff", "%s {} %%"],
    "small": [-32768, 32767, 0],
    "whole": [-2147483648, 2147483647],
    "big": [-(2**63), 2**63 - 1, 2**53 + 1],
    "positive": [0, 2147483647],
    "amount": [Decimal("0.00"), Decimal("-0.01"), Decimal("9999999999.99"), Decimal("1.50"), Decimal("7.00")],
    "ratio": [0.1, 0.0, 1e-300, 1.7976931348623157e308, 2.2250738585072014e-308, 1 / 3, 123456789.12345679],
    "flag": [True, False],
    "moment": [
        NOON,
        dt.datetime(1970, 1, 1, tzinfo=dt.UTC),
        dt.datetime(2999, 12, 31, 23, 59, tzinfo=dt.UTC),
    ],
    "day": [dt.date(1900, 2, 28), dt.date(9999, 12, 31)],
    "clock": [dt.time(0), dt.time(23, 59, 59, 999999)],
    "span": [
        dt.timedelta(0),
        dt.timedelta(microseconds=-1),
        dt.timedelta(days=40_000, seconds=1, microseconds=5),
    ],
    "token": [UUID(int=0), UUID("0198c0de-7abc-7def-8123-456789abcdef")],
    "raw": [b"", b"\x00\xff\\'", bytes(range(256))],
    "data": [
        {},
        [],
        0,
        "",
        False,
        {"b": [1, 2.5, None, True, "é\U0001f3ab\\u0000"], "a": {"": -1.5e-7}},
        [10**30, 1.0],
        "\\",
    ],
    "address": ["127.0.0.1", "2001:db8::1", "::"],
    "suit": [Suit.HEARTS],
    "rank": [Rank.KING],
    "owner_id": [1, 2**31 - 1],
}


def written(state: State, using: str) -> Any:
    """The state as it is read back."""
    table = table_of(SHAPE, using)
    table.write({"k": (state, 7)}, [])
    try:
        return table.load(["k"])["k"]
    finally:
        table.write({"k": None}, ["k"])


def test_every_column_has_its_cases() -> None:
    assert set(KEPT) == {column.name for column in SHAPE.columns} - {"key", "factos_position"}


@on_databases()
def test_what_is_taken_comes_back_the_same(store: Store) -> None:
    changed = []
    for field, values in KEPT.items():
        for value in [*values, getattr(State(), field)]:
            back, position = written(replace(State(), **{field: value}), store.using)
            assert position == 7
            found = getattr(back, field)
            if (type(found), repr(found)) != (type(value), repr(value)) and not is_same_json(found, value):
                changed.append((field, value, found))
    assert changed == []


def is_same_json(found: Any, value: Any) -> bool:
    """PostgreSQL keeps the keys of an object in an order of its own."""
    return isinstance(value, dict) and json.dumps(found, sort_keys=True) == json.dumps(value, sort_keys=True)


@on_databases()
def test_the_rows_are_those_that_the_orm_reads(store: Store) -> None:
    state = State(
        label="a", amount=Decimal("1.50"), moment=NOON, data={"a": [1]}, suit=Suit.HEARTS, raw=b"\0"
    )
    table_of(SHAPE, store.using).write({"k": (state, 7)}, [])
    row = Specimen.objects.using(store.using).get()
    assert (row.pk, row.factos_position, row.label, row.amount) == ("k", 7, "a", Decimal("1.50"))
    assert (row.moment, row.data, row.suit, bytes(row.raw)) == (NOON, {"a": [1]}, "hearts", b"\0")


@on_databases("default", "postgres", "mariadb")
def test_a_moment_is_read_in_utc_whatever_the_zone_of_the_connection(store: Store) -> None:
    table_of(SHAPE, store.using).write({"k": (State(moment=NOON), 7)}, [])
    with connected_anew(store.using, TIME_ZONE="Asia/Tokyo"):
        back, _ = table_of(SHAPE, store.using).load(["k"])["k"]
        assert back.moment.tzinfo is dt.UTC
        table_of(SHAPE, store.using).write({"k": (State(moment=NOON), 8)}, ["k"])
        assert table_of(SHAPE, store.using).load(["k"])["k"] == (State(moment=NOON), 8)


REFUSED: list[tuple[str, Any, str]] = [
    ("label", "abcdef", "it has 6 characters; the column holds 5"),
    ("label", "a\0", "NUL"),
    ("label", "\ud800", "surrogate"),
    ("label", None, "the column may not be null"),
    ("label", 5, "a str is wanted, not a int"),
    ("label", b"a", "a str is wanted"),
    ("text", "\udfff", "surrogate"),
    ("small", 32768, "the column holds -32768 to 32767"),
    ("whole", -2147483649, "the column holds"),
    ("big", 2**63, "the column holds"),
    ("positive", -1, "the column holds 0 to"),
    ("whole", True, "a int is wanted, not a bool"),
    ("whole", 1.0, "a int is wanted, not a float"),
    ("whole", "1", "a int is wanted"),
    ("amount", Decimal("0.001"), "the column holds 2 decimal places"),
    ("amount", Decimal("123456789012345678901234567890123.456"), "the column holds 2 decimal places"),
    ("amount", Decimal(10000000000), "the column holds 10 digits before the point"),
    ("amount", Decimal("1e1000000"), "the column holds 10 digits before the point"),
    ("amount", Decimal("NaN"), "no finite number"),
    ("amount", Decimal("Infinity"), "no finite number"),
    ("amount", 1.5, "a Decimal is wanted, not a float"),
    ("amount", 1, "a Decimal is wanted, not a int"),
    ("ratio", float("nan"), "no finite number"),
    ("ratio", float("-inf"), "no finite number"),
    ("ratio", 1, "a float is wanted, not a int"),
    ("flag", 1, "a bool is wanted, not a int"),
    ("moment", dt.datetime(2026, 1, 1), "give it a time zone"),  # noqa: DTZ001  # that is the case
    ("moment", NOON.astimezone(ZoneInfo("Europe/Paris")), "use .astimezone"),
    ("moment", NOON.astimezone(ZoneInfo("Africa/Abidjan")), "use .astimezone"),
    ("moment", dt.date(2026, 1, 1), "a datetime is wanted"),
    ("day", NOON, "it is a datetime; the column holds a date"),
    ("day", "2026-01-01", "a date is wanted"),
    ("clock", dt.time(1, tzinfo=dt.UTC), "time zone"),
    ("span", dt.timedelta(days=106751992), "the column holds up to 106751991 days"),
    ("span", 5, "a timedelta is wanted"),
    ("token", "12345678-9abc-def0-1234-56789abcdef0", "a UUID is wanted"),
    ("raw", "a", "a bytes is wanted"),
    ("raw", bytearray(b"a"), "a bytes is wanted"),
    ("data", (1,), "JSON has lists"),
    ("data", {"a": (1,)}, "JSON has lists"),
    ("data", {1: "a"}, "keys that are text"),
    ("data", {"a": float("nan")}, "it has no JSON"),
    ("data", Decimal(1), "it has no JSON"),
    ("data", {"a": NOON}, "it has no JSON"),
    ("data", {1, 2}, "it has no JSON"),
    ("data", ["a\0"], "NUL"),
    ("data", {"\\\0": 1}, "NUL"),
    ("data", "\ud800", "surrogate"),
    ("data", 1e16, "back as a whole number"),
    ("address", "127.0.0.01", "no IP address"),
    ("address", "2001:0db8::1", "not in its one form"),
    ("address", "fe80::1%eth0", "not in its one form"),
    ("address", "::ffff:1.2.3.4", "not in its one form"),
    ("suit", "hearts", "a Suit is wanted"),
    ("suit", None, "the column may not be null"),
    ("suit", Rank.ACE, "a str is wanted, not a int"),
    ("rank", 13, "a Rank is wanted"),
    ("label", Suit.SPADES, "it has 6 characters"),
    ("text", Suit.SPADES, "annotate the field with Suit, or store its value"),
    ("small", Rank.ACE, "annotate the field with Rank, or store its value"),
    ("owner_id", "1", "a int is wanted"),
    ("owner_id", User(pk=1), "a int is wanted, not a User"),
]


@pytest.mark.parametrize(("field", "value", "reason"), REFUSED, ids=lambda each: repr(each)[:40])
def test_what_a_database_would_refuse_or_change_is_refused_before_it_is_asked(
    field: str, value: Any, reason: str
) -> None:
    with pytest.raises(UnstorableState) as refused:
        SHAPE.values("k", (replace(State(), **{field: value}), 7))
    assert reason in refused.value.reason
    assert (refused.value.projection, refused.value.field) == ("test.specimens", field)
    assert refused.value.value is value


@on_databases("default")
def test_sqlite_refuses_digits_that_it_cannot_hold(store: Store) -> None:
    shape = Shape("test.turnovers", Turnover, ("payer", "payee"), Pair)
    table = table_of(shape, store.using)
    for amount in (Decimal("1234567890123.45"), Decimal("1e17"), Decimal("-0.10"), Decimal("9" * 13 + ".99")):
        table.write({("a", "b"): (Pair(amount, NOON, None), 7)}, [])
        assert table.load([("a", "b")])[("a", "b")][0].amount == amount
        table.write({("a", "b"): None}, [("a", "b")])
    for amount in (Decimal("12345678901234.56"), Decimal("1234567890123456.00"), Decimal("9" * 14 + ".99")):
        with pytest.raises(UnstorableState, match="SQLite holds 15 digits of a number"):
            table.write({("a", "b"): (Pair(amount, NOON, None), 7)}, [])


@on_databases("postgres", "mariadb")
def test_other_databases_hold_the_digits_that_the_field_says(store: Store) -> None:
    table = table_of(Shape("test.turnovers", Turnover, ("payer", "payee"), Pair), store.using)
    amount = Decimal("123456789012345678.91")
    table.write({("a", "b"): (Pair(amount, NOON, None), 7)}, [])
    assert table.load([("a", "b")])[("a", "b")][0].amount == amount

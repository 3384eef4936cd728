"""Keys have one form, states are what the view says, and rows go to the table and come back."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from django.db import IntegrityError

from factos_django import Query, Recorded, UnstorableState, View
from factos_django.models import ProjectionState
from factos_django.projections import projection
from factos_django.projections.keyed import KeyedRows
from factos_django.projections.rows import Shape, state_class_of, table_of
from factos_django.registry import PROJECTIONS
from factos_django.store import append
from tests.ledger.domain import Deposited, LedgerBalance, Pair
from tests.ledger.models import FollowedBalance, Measurement, Turnover
from tests.stores import Store, on_databases


@dataclass(frozen=True, slots=True)
class Value:
    value: int


class Account(Enum):
    MAIN = "main"


BALANCES = Shape("test.balances", FollowedBalance, (), LedgerBalance)
TURNOVERS = Shape("test.turnovers", Turnover, ("payer", "payee"), Pair)
VALUES = Shape("test.values", Measurement, ("place", "moment", "device"), Value)
NOON = dt.datetime(2026, 3, 29, 12, tzinfo=dt.UTC)
DEVICE = UUID("0198c0de-7abc-7def-8123-456789abcdef")


def reason_of(refused: pytest.ExceptionInfo[UnstorableState]) -> str:
    return refused.value.reason


# Keys


@pytest.mark.parametrize(
    ("given", "key"), [("a", "a"), (7, "7"), (DEVICE, str(DEVICE)), (Account.MAIN, "main")]
)
def test_a_key_is_the_value_of_its_column(given: object, key: str) -> None:
    assert BALANCES.key(given) == key


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (None, "a part of a key is never null"),
        ("x" * 65, "it has 65 characters; the column holds 64"),
        ("a\0", "NUL"),
        ("\ud800", "surrogate"),
    ],
)
def test_a_key_that_the_column_cannot_hold_is_refused(given: object, reason: str) -> None:
    with pytest.raises(UnstorableState) as refused:
        BALANCES.key(given)
    assert reason in reason_of(refused)
    assert refused.value.field == "account"


@pytest.mark.parametrize("given", ["a", ("a",), ("a", "b", "c"), ["a", "b"], None, "ab"])
def test_a_key_of_several_fields_is_a_tuple_of_as_many(given: object) -> None:
    with pytest.raises(UnstorableState, match=r"give a tuple \(payer, payee\)"):
        TURNOVERS.key(given)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ((1.1, NOON, DEVICE), "place"),
        ((Decimal("1.001"), NOON, DEVICE), "place"),
        ((Decimal(1), NOON.date(), DEVICE), "moment"),
        ((Decimal(1), NOON.astimezone(dt.timezone(dt.timedelta(hours=1))), DEVICE), "moment"),
        ((Decimal(1), NOON, "no uuid"), "device"),
        ((Decimal(1), NOON, 1.5), "device"),
        (("one", NOON, DEVICE), "place"),
    ],
)
@pytest.mark.filterwarnings("ignore:DateTimeField .* received a naive datetime")
def test_a_key_that_would_become_another_is_refused(given: Any, field: str) -> None:
    with pytest.raises(UnstorableState) as refused:
        VALUES.key(given)
    assert refused.value.field == field


SAME = [
    (Decimal("1.5"), NOON, DEVICE),
    (Decimal("1.50"), NOON, DEVICE),
    ("1.5", NOON, str(DEVICE).upper()),
    (Decimal("1.500"), NOON, DEVICE.hex),
]


def _only(key: object, _recorded: object) -> list[object]:
    return [key]


def test_keys_that_are_equal_have_one_form_and_one_name_to_lock() -> None:
    rows = KeyedRows(VALUES, keys_of=lambda recorded: SAME, start=lambda key: Value(0), evolve=lambda s, r: s)
    assert len(rows.keys(None)) == 1  # type: ignore[arg-type]  # the keys do not look at it
    same_rows = [KeyedRows(VALUES, keys_of=partial(_only, key), start=str, evolve=max) for key in SAME]
    names = {name for each in same_rows for name in each.row_names(None)}  # type: ignore[arg-type]
    assert len(names) == 1
    zeros = {str(VALUES.key((zero, NOON, DEVICE))[0]) for zero in (Decimal("-0.00"), Decimal(0), "0.0", 0)}
    assert zeros == {"0.00"}


@on_databases()
def test_a_key_is_found_again_in_every_form(store: Store) -> None:
    table = table_of(VALUES, store.using)
    key = VALUES.key(SAME[0])
    table.write({key: (Value(1), 7)}, [])
    for each in SAME:
        assert table.load([VALUES.key(each)]) == {key: (Value(1), 7)}
    table.write({key: (Value(2), 8)}, [key])
    assert table.load([key]) == {key: (Value(2), 8)}


@on_databases()
def test_keys_differ_by_case_accents_trailing_spaces_and_composition(store: Store) -> None:
    keys = ["a", "A", "a ", "\u00e1", "a\u0301", "\U0001f600", "\U0001f601", ""]
    table = table_of(BALANCES, store.using)
    table.write({key: (LedgerBalance(key, n), 7) for n, key in enumerate(keys)}, [])
    found = table.load(keys)
    assert {key: state.amount for key, (state, _) in found.items()} == {key: n for n, key in enumerate(keys)}


# States


def test_a_state_of_another_class_is_refused() -> None:
    with pytest.raises(UnstorableState, match="a LedgerBalance is wanted"):
        BALANCES.values("a", (Value(1), 7))


def test_a_state_is_stored_under_its_own_key() -> None:
    assert BALANCES.values("a", (LedgerBalance("a", 5, 1), 7)) == ["a", 5, 1, 7]
    with pytest.raises(UnstorableState, match="is to be stored under the key 'b'") as refused:
        BALANCES.values("b", (LedgerBalance("a"), 7))
    assert refused.value.field == "account"


def test_a_refusal_says_which_projection_which_field_and_what_value() -> None:
    with pytest.raises(UnstorableState) as refused:
        BALANCES.values("a", (LedgerBalance("a", amount=2**63), 7))
    said = "Projection 'test.balances' cannot store amount = 9223372036854775808: the column holds"
    assert str(refused.value).startswith(said)


def test_the_class_of_the_states_is_that_of_the_initial_one_or_what_evolve_says() -> None:
    def evolve(state: Pair | None, recorded: Recorded[Any]) -> Pair | None: ...

    assert state_class_of("n", Value(1), evolve) is Value
    assert state_class_of("n", None, evolve) is Pair


# Rows


@on_databases()
def test_more_rows_than_one_statement_takes_are_written_read_and_deleted(store: Store) -> None:
    table = table_of(TURNOVERS, store.using)
    rows = {(f"{n}", "b"): (Pair(Decimal(n), NOON, None), n) for n in range(1_501)}
    table.write(dict(rows), [])
    assert table.load(rows) == rows
    changed = {
        key: (Pair(state.amount + 1, NOON, "m"), position + 1) for key, (state, position) in rows.items()
    }
    table.write(dict(changed), rows)
    assert table.load([*rows, ("none", "b")]) == changed
    kept = {key: None if position % 2 else (state, position) for key, (state, position) in changed.items()}
    table.write(kept, rows)
    assert table.load(rows) == {key: row for key, row in changed.items() if not row[1] % 2}


@on_databases()
def test_nothing_is_written_for_no_rows(store: Store) -> None:
    table = table_of(TURNOVERS, store.using)
    table.write({}, [])
    table.write({("a", "b"): None}, [])
    assert table.load([]) == {}


@on_databases()
def test_a_new_row_overwrites_none_that_is_there(store: Store) -> None:
    for shape, key, row in (
        (BALANCES, "a", (LedgerBalance("a", 1), 7)),
        (TURNOVERS, ("a", "b"), (Pair(Decimal(1), NOON, None), 7)),
    ):
        table = table_of(shape, store.using)
        table.write({key: row}, [])
        with pytest.raises(IntegrityError):
            table.write({key: (row[0], 8)}, [])
        assert table.load([key]) == {key: row}


@on_databases()
def test_an_inline_key_that_cannot_be_computed_keeps_no_fact_out(store: Store) -> None:
    """The projection stops, as at any fact that it cannot fold; the fact is recorded."""
    projection(
        "test.no_key",
        model="ledger.Measurement",
        key_fields=("place", "moment", "device"),
        query=Query.all(),
        view=View(Value(0), lambda state, recorded: state),
        mode="inline",
        key=lambda recorded: recorded.event.nothing,
    )
    try:
        append([Deposited("a", 1)], using=store.using)
        append([Deposited("a", 1)], using=store.using)
    finally:
        PROJECTIONS.unregister("test.no_key")
    state = ProjectionState.objects.using(store.using).get(pk="test.no_key")
    assert (state.condition, state.error) == (
        "stopped",
        "AttributeError: 'Deposited' object has no attribute 'nothing'",
    )

"""A decision of the log as a test to paste."""

from __future__ import annotations

import dataclasses
import enum
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from demo_project.ticketing.domain import (
    BuyTicket,
    ConferenceOpened,
    TicketSold,
    sale_context,
    ticket_sales,
)
from factos_django import Proposed, UnregisteredEvent, event_type
from factos_django.admin.events.given_text import given_text
from factos_django.admin.events.python_text import PythonText, Unwritable
from factos_django.store import append
from factos_django.store.companions import Companions
from factos_django.store.stored import stored_event
from tests.rest.stored import store_row
from tests.stores import on_databases


class Suit(enum.Enum):
    HEARTS = "h"


class Rank(enum.IntEnum):
    ACE = 1


class Rights(enum.Flag):
    READ = 1
    WRITE = 2


@dataclasses.dataclass(frozen=True)
class Inner:
    tags: frozenset[str]
    hidden: int = dataclasses.field(default=0, repr=False)


class Outer:
    @dataclasses.dataclass(frozen=True)
    class Nested:
        inner: Inner


@event_type("tests.given_text.Specimen")
@dataclasses.dataclass(frozen=True)
class Specimen:
    name: str
    amount: Decimal
    id: UUID
    day: date
    clock: time
    moment: datetime
    span: timedelta
    suit: Suit
    rank: Rank
    nested: Outer.Nested
    several: tuple[int, ...]
    listed: list[Any]
    none: bytes | None = None


@event_type("tests.given_text.Long")
@dataclasses.dataclass(frozen=True)
class Long:
    text: str


SPECIMEN = Specimen(
    'O\'Hara\n"""\u202e{x}',
    Decimal("1.50"),
    UUID(int=7),
    date(2026, 1, 2),
    time(3, 4),
    datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=2))),
    timedelta(seconds=1.5),
    Suit.HEARTS,
    Rank.ACE,
    Outer.Nested(Inner(frozenset({"a", "b"}), hidden=3)),
    (1,),
    [{"a": None, "b": [1.5, True]}],
)


def run(text: str, **names: Any) -> None:
    """Run the one test that ``text`` defines, where ``names`` are filled in."""
    exec(compile(text, "pasted", "exec", dont_inherit=True), names)
    (test,) = [each for name, each in names.items() if name.startswith("test_")]
    test()


def evaluated(value: Any) -> Any:
    python = PythonText()
    expression = python.of(value)
    names: dict[str, Any] = {}
    exec("\n".join(python.imports()), names)
    return eval(expression, names)


VALUES = [SPECIMEN, Rights.READ | Rights.WRITE, set(), {1}, frozenset(), (), {"a": 1}, b"x", SPECIMEN.moment]


@pytest.mark.parametrize("value", VALUES)
def test_a_value_comes_back_equal_from_its_python(value):
    again = evaluated(value)
    assert again == value
    assert type(again) is type(value)


def test_what_no_expression_makes_is_refused_by_its_name():
    @dataclasses.dataclass
    class Local:
        pass

    for value in (Local(), object(), [Local()]):
        with pytest.raises(Unwritable, match=r"Local|object"):
            PythonText().of(value)


def test_classes_of_one_name_are_told_apart():
    other = type("Inner", (), {"__module__": "elsewhere"})
    python = PythonText(taken=["given"])
    assert python.name_of(Inner) == "Inner"
    assert python.name_of(other) == "elsewhere.Inner"
    assert python.name_of(type("given", (), {"__module__": "a.b"})) == "a.b.given"
    assert list(python.imports()) == ["import a.b", "import elsewhere", f"from {__name__} import Inner"]


@on_databases("default")
def test_a_decision_pastes_into_a_test_that_passes(store):
    events = [
        ConferenceOpened("gleamconf", 3),
        TicketSold("gleamconf", "ada"),
        Proposed(TicketSold("gleamconf", "renata"), tags=("campaign:1",)),
    ]
    *seen, decided = [stored_event(each.position) for each in append(events)]
    text = given_text(3, seen, are_all=True, decided=Companions([decided]), using=store.using)
    run(text, command=BuyTicket("gleamconf", "renata"), decider=ticket_sales, query=sale_context)
    with pytest.raises(AssertionError, match="expected"):
        run(text, command=BuyTicket("gleamconf", "bob"), decider=ticket_sales, query=sale_context)
    assert "campaign" not in text


@on_databases("default")
def test_given_facts_keep_the_tags_that_they_do_not_derive(store):
    (recorded,) = append([Proposed(SPECIMEN, tags=("x:1",))])
    row = stored_event(recorded.position)
    text = given_text(1, [row], are_all=False, decided=Companions([], are_all=False), using=store.using)
    assert f"Proposed({PythonText().of(SPECIMEN)}, tags=('x:1',))," in text
    assert "# It saw more: this is the newest 1 fact." in text
    assert "# Others may have been appended with it: which ones cannot be told here." in text
    compile(text, "pasted", "exec")


@on_databases("default")
def test_what_this_code_cannot_read_is_a_comment_and_nothing_more(store, settings):
    settings.FACTOS_API_UNREGISTERED_TYPES = ["allowed"]
    positions = [
        store_row(store.using, type="gone\nimport os", data="{}"),
        store_row(store.using, type="TicketSold", data='{"conference": 1}'),
        store_row(store.using, type="allowed", data='{"a": 1}', tags=["t"]),
    ]
    rows = [stored_event(position) for position in positions]
    text = given_text(1, rows, are_all=True, decided=Companions([]), using=store.using)
    assert f"        # gone import os #{positions[0]} cannot be read by this code.\n" in text
    assert f"        # TicketSold #{positions[1]} cannot be read by this code.\n" in text
    event = UnregisteredEvent("allowed", 1, {"a": 1})
    assert f"Proposed({PythonText().of(event)}, tags=('t',))" in text
    assert "from factos_django import Proposed, UnregisteredEvent\n" in text
    compile(text, "pasted", "exec")


@on_databases("default")
def test_no_text_grows_longer_than_somebody_would_paste(store):
    recorded = append([Long("x" * 90_000) for _ in range(5)])
    rows = [stored_event(each.position) for each in recorded]
    text = given_text(1, rows, are_all=True, decided=Companions([]), using=store.using)
    assert text.count("Long(text=") == 3
    assert "# The rest is left out: it is too long." in text

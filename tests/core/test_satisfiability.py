from dataclasses import dataclass

import pytest

from factos_django import Query, QueryItem, event_type
from factos_django.core.event_types import EVENT_TYPES
from factos_django.core.satisfiability import unsatisfiable_items


@event_type("tests.satisfiability.Sold", tags=("event:{conference}", "buyer:{buyer}"))
@dataclass(frozen=True)
class Sold:
    conference: str
    buyer: str


@event_type("tests.satisfiability.Opened", tags=("event:{conference}",))
@dataclass(frozen=True)
class Opened:
    conference: str


@pytest.fixture(autouse=True)
def no_other_types(monkeypatch):
    """Another test's type may have a tag function, and could have any tag."""
    for name in ("_by_name", "_by_class"):
        known = getattr(EVENT_TYPES, name)
        monkeypatch.setattr(EVENT_TYPES, name, {k: v for k, v in known.items() if v.cls in (Sold, Opened)})


def found(*items):
    return unsatisfiable_items(Query.of(*items))


def test_an_item_whose_tags_a_type_derives_can_be_satisfied():
    assert found(QueryItem(types=[Sold], tags=["event:x", "buyer:y"])) == ()
    assert found(QueryItem(types=[Opened, Sold], tags=["buyer:y"])) == ()
    assert found(QueryItem(tags=["event:x"])) == ()


def test_an_item_with_a_misspelt_tag_cannot():
    misspelt = QueryItem(types=[Sold], tags=["evnt:x"])
    assert found(misspelt, QueryItem(types=[Sold], tags=["event:x"])) == (misspelt,)
    any_type = QueryItem(tags=["evnt:x"])
    assert found(any_type) == (any_type,)


def test_all_tags_of_an_item_must_come_from_one_type():
    apart = QueryItem(types=[Opened], tags=["event:x", "buyer:y"])
    assert found(apart) == (apart,)


def test_items_without_tags_and_everything_are_always_satisfied():
    assert found(QueryItem(types=[Sold])) == ()
    assert unsatisfiable_items(Query.all()) == ()


def test_a_type_without_a_class_could_have_any_tag():
    assert found(QueryItem(types=["tests.satisfiability.Elsewhere"], tags=["whatever:x"])) == ()


def test_a_type_whose_tags_come_from_a_function_could_have_any_tag():
    @event_type("tests.satisfiability.Free", tags=lambda event: ["computed"])
    @dataclass(frozen=True)
    class Free:
        pass

    assert found(QueryItem(types=[Free], tags=["whatever:x"])) == ()

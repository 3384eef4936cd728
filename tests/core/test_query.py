import dataclasses
import json
from dataclasses import dataclass
from types import SimpleNamespace

import pytest
from hypothesis import given, strategies

from factos_django import InvalidName, InvalidQuery, InvalidTag, NotAnEvent, Query, QueryItem, event_type
from factos_django.core.canonical_json import decode_json, encode_json


@event_type("tests.query.Opened")
@dataclass(frozen=True)
class Opened:
    pass


class NotRegistered:
    pass


names = strategies.text("AZaz09._:-", min_size=1, max_size=5)
tags = strategies.text(strategies.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=5)
items = strategies.builds(
    lambda types, tags: QueryItem(types=types, tags=tags),
    strategies.lists(names, max_size=3),
    strategies.lists(tags, min_size=1, max_size=3),
) | strategies.builds(lambda types: QueryItem(types=types), strategies.lists(names, min_size=1, max_size=3))
queries = strategies.just(Query.all()) | strategies.lists(items, min_size=1, max_size=4).map(
    lambda chosen: Query.of(*chosen)
)


def event(type="a", *tags):
    return SimpleNamespace(type=type, tags=tags)


@given(queries)
def test_a_query_comes_back_from_its_data(query):
    stored = encode_json(query.as_data())
    again = Query.from_data(decode_json(stored))
    assert again == query
    assert again.as_data() == query.as_data()
    assert json.loads(stored) == query.as_data()


@given(queries, names, strategies.lists(tags, max_size=3))
def test_a_query_that_comes_back_matches_the_same(query, type, tags):
    recorded = event(type, *tags)
    assert Query.from_data(query.as_data()).matches(recorded) == query.matches(recorded)


def test_a_query_of_no_items_is_an_error_that_names_query_all():
    for empty in (lambda: Query.of(), lambda: Query(()), lambda: Query.from_data({"items": []})):
        with pytest.raises(InvalidQuery, match=r"Query\.all\(\)"):
            empty()


def test_an_item_of_neither_types_nor_tags_is_an_error_that_names_query_all():
    for empty in (lambda: QueryItem(), lambda: QueryItem(types=[], tags=[])):
        with pytest.raises(InvalidQuery, match=r"Query\.all\(\)"):
            empty()


def test_a_query_of_everything_has_no_items():
    with pytest.raises(InvalidQuery):
        Query((QueryItem(tags=["a"]),), everything=True)


@pytest.mark.parametrize("item", ["a", None, {"tags": ["a"]}, Query.all()])
def test_its_items_are_query_items(item):
    with pytest.raises(InvalidQuery, match="QueryItem"):
        Query.of(item)


def test_items_are_equal_whatever_the_order_of_types_and_tags():
    one = QueryItem(types=["a", "b"], tags=["x", "y"])
    other = QueryItem(types=["b", "a", "a"], tags=["y", "x", "x"])
    assert one == other
    assert hash(one) == hash(other)
    assert Query.of(one) == Query.of(other)
    assert one != QueryItem(types=["a", "b"], tags=["x"])
    assert one != QueryItem(types=["a"], tags=["x", "y"])
    assert one != "item"


def test_the_first_tag_stays_the_first_because_it_is_the_one_that_is_locked():
    assert QueryItem(tags=["y", "x"]).tags == ("y", "x")


def test_a_type_is_a_registered_class_or_a_stored_name():
    assert QueryItem(types=[Opened]) == QueryItem(types=["tests.query.Opened"])
    for unknown in (NotRegistered, 7, None, Opened()):
        with pytest.raises(NotAnEvent):
            QueryItem(types=[unknown])


def test_bad_names_and_tags_are_refused_at_birth():
    with pytest.raises(InvalidName):
        QueryItem(types=["a b"])
    with pytest.raises(InvalidTag):
        QueryItem(tags=["a\n"])
    with pytest.raises(InvalidTag):
        QueryItem(tags=["a", 7])


def test_one_string_is_no_list_of_types_or_tags():
    with pytest.raises(InvalidQuery, match="not one string"):
        QueryItem(types="Opened")
    with pytest.raises(InvalidTag, match="not one string"):
        QueryItem(tags="event:x")


def test_in_an_item_types_are_ored_and_tags_anded():
    item = QueryItem(types=["a", "b"], tags=["x", "y"])
    assert item.matches(event("b", "y", "x", "z"))
    assert not item.matches(event("c", "x", "y"))
    assert not item.matches(event("a", "x"))


def test_no_types_is_any_type_and_no_tags_any_tags():
    assert QueryItem(tags=["x"]).matches(event("whatever", "x"))
    assert QueryItem(types=["a"]).matches(event("a"))


def test_items_are_ored_and_everything_matches_everything():
    query = Query.of(QueryItem(types=["a"]), QueryItem(tags=["x"]))
    assert [query.matches(e) for e in (event("a"), event("b", "x"), event("b"))] == [True, True, False]
    assert Query.all().matches(event("b"))


def test_tags_and_types_match_byte_for_byte():
    assert not QueryItem(tags=["x"]).matches(event("a", "X"))
    assert not QueryItem(tags=["x"]).matches(event("a", "x "))
    assert not QueryItem(types=["A"]).matches(event("a"))


def test_a_query_does_not_change_and_can_be_a_key():
    query = Query.of(QueryItem(tags=["x"]))
    assert {query: 1}[Query.of(QueryItem(tags=["x"]))] == 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        query.items = ()
    with pytest.raises(dataclasses.FrozenInstanceError):
        query.items[0].tags = ()

"""Queries as sentences."""

from __future__ import annotations

import pytest
from django.utils import translation

from factos_django import Query, QueryItem
from factos_django.admin.query_words import query_in_words

SAID = [
    (Query.all(), "every event"),
    (Query.of(QueryItem(types=["A"])), "events of type A"),
    (Query.of(QueryItem(types=["C", "A", "B"])), "events of type A, B or C"),
    (Query.of(QueryItem(tags=["x:1"])), "events that carry the tag x:1"),
    (Query.of(QueryItem(tags=["x", "y", "z"])), "events that carry the tags x, y and z"),
    (
        Query.of(QueryItem(["A", "B"], ["x", "y"]), QueryItem(["C"], ["z"])),
        "events of type A or B that carry the tags x and y; or events of type C that carry the tag z",
    ),
    (Query.of(QueryItem(tags=["100%", "%(tags)s"])), "events that carry the tags 100% and %(tags)s"),
]


@pytest.mark.parametrize(("query", "said"), SAID, ids=[said for _, said in SAID])
def test_a_query_is_a_sentence(query, said):
    assert query_in_words(query) == said


def test_of_a_hundred_items_it_is_said_how_many_more_they_are():
    said = query_in_words(Query.of(*(QueryItem(tags=[f"t:{number:03}"]) for number in range(100))))
    assert "t:019" in said
    assert "t:020" not in said
    assert said.endswith("; or 80 more kinds")


def test_no_tag_is_taken_for_a_message_of_the_translation():
    with translation.override("de"):
        assert query_in_words(Query.of(QueryItem(tags=["Yes"]))).endswith(" Yes")

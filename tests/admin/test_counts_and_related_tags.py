"""How many facts match, and which tags stand together, as far as a bounded look tells."""

from __future__ import annotations

import pytest
from django.db import transaction

from factos_django import Query, QueryItem
from factos_django.store.counting import Count, count_matching
from factos_django.store.related import related_tags
from tests.rest.stored import store_row
from tests.stores import Store, on_databases

pytestmark = [on_databases(), pytest.mark.usefixtures("on_store")]


def tagged(*tags: str) -> Query:
    return Query.of(QueryItem(tags=tags))


def test_facts_are_counted_as_far_as_a_bounded_look_tells(store: Store) -> None:
    with transaction.atomic(using=store.using):
        for n in range(1000):
            store_row(store.using, tags=["even" if n % 2 == 0 else "odd", *(["first"] if n < 3 else [])])
    counted = {
        "of all": (Query.all(), 100, Count(100, is_more=True, is_exact=False)),
        "of a broad tag": (tagged("even"), 100, Count(100, is_more=True, is_exact=False)),
        "just as many": (tagged("even"), 500, Count(500, is_more=False, is_exact=True)),
        "of two tags": (tagged("even", "first"), 100, Count(2, is_more=False, is_exact=True)),
        "that never meet": (tagged("even", "odd"), 100, Count(0, is_more=False, is_exact=False)),
        "of nothing": (tagged("nobody"), 100, Count(0, is_more=False, is_exact=True)),
        "of any of two": (
            Query.of(QueryItem(tags=["first"]), QueryItem(["legacy"], ["first", "odd"])),
            100,
            Count(3, is_more=False, is_exact=True),
        ),
    }
    found = {
        what: count_matching(query, most, using=store.using) for what, (query, most, _) in counted.items()
    }
    assert found == {what: count for what, (_, _, count) in counted.items()}


def test_related_tags_are_those_of_the_newest_facts_the_most_frequent_first(store: Store) -> None:
    store_row(store.using, tags=["order:1", "old"])
    for tags in (["order:1", "b", "shop"], ["order:1", "a", "shop"], ["order:1"], ["order:2", "shop", "c"]):
        store_row(store.using, tags=tags)
    assert related_tags("order:1", newest=3, using=store.using) == [("shop", 2), ("a", 1), ("b", 1)]
    assert related_tags("order:1", newest=3, limit=1, using=store.using) == [("shop", 2)]
    assert ("old", 1) in related_tags("order:1", using=store.using)
    assert related_tags("nobody", using=store.using) == []

"""Lists that are read by where a page begins."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias
from urllib.parse import quote

import pytest
from django.contrib.admin import AdminSite
from django.contrib.auth.models import User
from django.test import RequestFactory

from factos_django.admin import EventAdmin
from factos_django.admin.events.event_list import EventChangeList
from factos_django.admin.keyset import Found, KeysetChangeList
from factos_django.models import Event
from tests.admin.pages import words_of
from tests.stores import on_databases

List: TypeAlias = Callable[[str], Any]


@dataclass
class _Numbers:
    """Rows by their keys, of which a page of 3 looks at no more than ``most``."""

    keys: list[int]
    most: int = 1000
    matching: Callable[[int], bool] = lambda key: True

    def found(self, *, before: int | None, after: int | None, limit: int) -> Found:
        candidates = [key for key in sorted(self.keys) if after is None or key > after]
        if after is None:
            candidates = [key for key in reversed(candidates) if before is None or key < before]
        looked_at, rows = candidates[: self.most], list[Event]()
        for key in looked_at:
            if self.matching(key):
                rows.append(Event(position=key))
            if len(rows) > limit:
                return Found(rows[:limit], is_cut=True)
        return Found(rows, is_cut=False, looked_to=looked_at[-1] if len(candidates) > self.most else None)


@pytest.fixture
def listed(rf: RequestFactory) -> Callable[[_Numbers], List]:
    """Makes what gives the list at an address, of such numbers."""

    def lists(numbers: _Numbers) -> List:
        class NumbersList(KeysetChangeList):
            def found(self, **where: Any) -> Found:
                return numbers.found(**where)

        class NumbersAdmin(EventAdmin):
            list_per_page = 3
            list_display = ("position",)
            list_filter = ()

            def get_changelist(self, request: Any, **kwargs: Any) -> Any:
                return NumbersList

        def at(address: str) -> Any:
            request = rf.get(f"/{address}")
            request.user = User(is_superuser=True, is_active=True)
            admin = NumbersAdmin(Event, AdminSite())
            return admin.get_changelist_instance(request)

        return at

    return lists


def keys(page: Any) -> list[int]:
    return [row.pk for row in page.result_list]


def walk(at: List, address: str, link: str) -> list[list[int]]:
    """The keys of each page from ``address`` on, by one of its links."""
    pages = []
    while address is not None:
        page = at(address)
        pages.append(keys(page))
        address = getattr(page, link)
        assert len(pages) < 50, "it goes on for ever"
    return pages


def test_pages_lead_from_the_newest_to_the_oldest_and_back(listed):
    at = listed(_Numbers([1, 2, 4, 8, 9, 12, 13]))
    assert walk(at, "", "older_url") == [[13, 12, 9], [8, 4, 2], [1]]
    first, last = at(""), at("?before=2")
    assert (first.newer_url, last.older_url, last.oldest_url) == (None, None, None)
    assert keys(at(last.newer_url)) == [8, 4, 2]
    oldest = at(first.oldest_url)
    assert (keys(oldest), oldest.older_url) == ([4, 2, 1], None)
    assert walk(at, first.oldest_url, "newer_url") == [[4, 2, 1], [12, 9, 8], [13, 12, 9]]
    assert at(oldest.newest_url).newer_url is None


def test_a_list_of_one_page_leads_nowhere(listed):
    for numbers in ([], [5], [5, 6, 7]):
        at = listed(_Numbers(numbers))
        for address in ("", "?after=0"):
            page = at(address)
            assert keys(page) == sorted(numbers, reverse=True)
            assert (page.newer_url, page.older_url, page.oldest_url) == (None, None, None)


def test_rows_that_appear_meanwhile_move_no_page(listed):
    numbers = _Numbers(list(range(1, 8)))
    at = listed(numbers)
    first = at("")
    numbers.keys += [8, 9]
    older = at(first.older_url)
    assert keys(older) == [4, 3, 2]
    assert keys(at(older.newer_url)) == [7, 6, 5]
    assert keys(at(at(older.newer_url).newer_url)) == [9, 8, 7], "the first page, and a full one"


def test_a_page_beyond_either_end_leads_back(listed):
    at = listed(_Numbers([5, 6, 7, 8]))
    above, below = at("?after=100"), at("?before=3")
    assert (keys(above), above.newer_url) == ([8, 7, 6], None)
    assert (keys(below), below.older_url) == ([], None)
    assert keys(at(below.newer_url)) == [7, 6, 5]
    assert keys(at(at("?before=0").newer_url)) == [7, 6, 5]
    assert keys(at("?before=100")) == [8, 7, 6]
    assert keys(at("?before=6&after=4")) == [7, 6, 5], "a page begins at one place"
    assert keys(at(at("?before=100").newer_url)) == [8, 7, 6]


def test_where_few_rows_match_it_says_how_far_it_looked_and_leads_on(listed):
    at = listed(_Numbers(list(range(1, 21)), most=6, matching=lambda key: key in (4, 19)))
    first = at("")
    assert (keys(first), first.looked_to, first.is_upward) == ([19], 15, False)
    assert first.older_url == "?before=15"
    assert walk(at, "", "older_url") == [[19], [], [4], []]
    oldest = at(first.oldest_url)
    assert (keys(oldest), oldest.looked_to, oldest.is_upward) == ([4], 6, True)
    assert oldest.newer_url == "?after=6"
    assert [key for page in walk(at, "?after=0", "newer_url") for key in page] == [4, 19]


@pytest.mark.parametrize("text", ["x", "-1", "1.5", "9" * 20, "99999999999999999999999", "٣", "\x00", "1\n"])
@pytest.mark.parametrize("name", ["before", "after"])
def test_a_place_that_is_none_is_told_and_the_first_page_is_shown(listed, name, text):
    page = listed(_Numbers([1, 2, 3, 4]))(f"?{name}={quote(text)}")
    assert keys(page) == [4, 3, 2]
    assert len(page.problems) == 1
    assert page.older_url == "?before=2"


@on_databases("default")
@pytest.mark.parametrize(
    ("place", "said"),
    [
        ({}, "Nothing more down to #7. Look further back."),
        ({"after": 3}, "Nothing more up to #7. Look further on."),
    ],
)
def test_the_page_says_how_far_it_looked_and_that_nothing_is_there(root, store, monkeypatch, place, said):
    monkeypatch.setattr(EventChangeList, "found", lambda *_, **__: Found([], is_cut=False, looked_to=7))
    answer = root.get("/admin/factos/event/", place)
    assert said in words_of(answer)
    assert "Nothing is found here." in words_of(answer)

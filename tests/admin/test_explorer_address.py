"""How an address says a query."""

from __future__ import annotations

from django.http import QueryDict

from factos_django import Query, QueryItem
from factos_django.admin.explorer import explorer_query_string
from factos_django.admin.explorer.address import Address, ItemText, address_of


def test_a_query_comes_back_from_its_address():
    query = Query.of(
        QueryItem(types=["TicketSold", "ConferenceOpened"], tags=["event:a/b?c&d=ü <b>", " x "]),
        QueryItem(tags=['"quoted"']),
        QueryItem(types=["A"]),
    )
    found = address_of(QueryDict(explorer_query_string(query, before=7)))
    assert Query.of(*(QueryItem(item.types, item.tags) for item in found.items)) == query
    assert (found.before, found.after, found.everything) == ("7", "", False)
    assert address_of(QueryDict(explorer_query_string(Query.all()))) == Address(everything=True)


def test_items_are_told_by_their_numbers_and_empty_ones_are_kept():
    found = address_of(QueryDict("tags-10=b&types-2=A&types-2=A&tags-2=&tags-5=&tags-0=no&tags-x=no&q=1"))
    assert found.items == (ItemText(("A",)), ItemText(), ItemText((), ("b",)))
    assert address_of(QueryDict(found.query_string())) == found
    assert found.says_something
    assert not Address((ItemText(),)).says_something

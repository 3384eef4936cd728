"""What a query of the explorer matches."""

from __future__ import annotations

from dataclasses import dataclass, replace

from django.http import QueryDict

from factos_django.admin.explorer.address import ABOVE, BELOW, Address
from factos_django.admin.explorer.asked import Asked
from factos_django.admin.explorer.counted import count_in_words
from factos_django.admin.explorer.in_json import query_in_json
from factos_django.admin.explorer.in_python import query_in_python
from factos_django.admin.fact_pages import Between, FactPage, fact_page, position_in
from factos_django.admin.facts import shown_events
from factos_django.admin.query_words import query_in_words
from factos_django.core.query import Query
from factos_django.models import Event
from factos_django.store.counting import count_matching

__all__ = ["Found", "Places", "found_by"]

#: A page looks at about so many facts that may match, and do not (rows).
_MOST_LOOKED_AT = 400


@dataclass(frozen=True, slots=True)
class Places:
    """Where to go on from a page of facts; ``includes/places.html`` shows it.

    Attributes:
        newest_url: The first page.
        newer_url: The page before this one; None on the first.
        older_url: The page after this one; None on the last.
        oldest_url: The last page; None on it.
        looked_to: It was not looked beyond this position.
        is_upward: Whether it was looked from older facts to newer ones.
    """

    newest_url: str
    newer_url: str | None
    older_url: str | None
    oldest_url: str | None
    looked_to: int | None
    is_upward: bool


@dataclass(frozen=True, slots=True)
class Found:
    """A page of the facts that match, and the query in other words.

    Attributes:
        events: Newest first; see ``admin.facts.shown_event``.
        places: The pages beside it.
        words: The query in the user's language.
        count: How many facts match, in words, as far as a bounded look tells.
        python: The query in Python.
        json: The query as the REST API takes it.
    """

    events: list[Event]
    places: Places
    words: str
    count: str
    python: str
    json: str


def found_by(
    query: Query, asked: Asked, address: Address, given: QueryDict, *, with_data: bool, using: str
) -> Found:
    """Return what ``query`` matches, where ``given`` says the page; raise InvalidPosition if it says none."""
    place = Between(
        below=position_in(given.get(BELOW, "")),
        above=position_in(given.get(ABOVE, "")),
        after=asked.after,
        before=asked.before,
    )
    page = fact_page(query, place, most_looked_at=_MOST_LOOKED_AT, using=using)
    if place.goes_up and page.newer is None:  # it reaches the newest: show the first page, a full one
        place = replace(place, above=None, below=None)
        page = fact_page(query, place, most_looked_at=_MOST_LOOKED_AT, using=using)
    return Found(
        events=shown_events(page.rows, page.head, using, with_data=with_data),
        places=_places(page, address, is_upward=place.goes_up),
        words=query_in_words(query),
        count=_count(query, page, is_whole=asked.after == 0 and asked.before is None, using=using),
        python=query_in_python(query),
        json=query_in_json(query, after=asked.after, before=asked.before),
    )


def _count(query: Query, page: FactPage, *, is_whole: bool, using: str) -> str:
    """Return how many facts match, in words; where positions bound the query, as far as this page tells."""
    is_more = page.newer is not None or page.older is not None
    if not is_whole or not is_more:
        return count_in_words(len(page.rows), is_more=is_more)
    counted = count_matching(query, _MOST_LOOKED_AT, using=using)
    return count_in_words(counted.count, is_more=not counted.is_exact)


def _places(page: FactPage, address: Address, *, is_upward: bool) -> Places:
    url = f"?{address.query_string()}"
    return Places(
        newest_url=url,
        newer_url=None if page.newer is None else f"{url}&{ABOVE}={page.newer}",
        older_url=None if page.older is None else f"{url}&{BELOW}={page.older}",
        oldest_url=None if page.older is None else f"{url}&{ABOVE}=0",
        looked_to=page.looked_to,
        is_upward=is_upward,
    )

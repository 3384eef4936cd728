"""What the page of one tag shows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from factos_django.admin.explorer.address import explorer_query_string
from factos_django.admin.facts import TagLink, shown_events, tag_links
from factos_django.admin.tags.timeline import Place, timeline_page, types_to_choose
from factos_django.core.query import Query, QueryItem
from factos_django.models import Event
from factos_django.store.related import related_tags

__all__ = ["Choice", "History", "Related", "history_of"]


@dataclass(frozen=True, slots=True)
class Choice:
    """A type that the history may be narrowed to; an empty name for all of them."""

    name: str
    url: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class Related:
    """Another tag, and on how many of the newest facts it stands beside this one."""

    link: TagLink
    count: int


@dataclass(frozen=True, slots=True)
class History:
    """A page of the facts of a tag.

    Attributes:
        place: Which part of the history it is.
        events: In the order in which they are shown; see ``admin.facts.shown_event``.
        first_url: The page that the history begins with; None on it.
        previous_url: The page before this one, as it is shown; None where there is none.
        next_url: The page after it.
        other_order_url: The history in the other order, from its beginning.
        types: What it may be narrowed to.
        related: Other tags of the newest facts, the most frequent first.
        explorer_query: The same facts in the explorer, as what follows its question mark.
    """

    place: Place
    events: list[Event]
    first_url: str | None
    previous_url: str | None
    next_url: str | None
    other_order_url: str
    types: list[Choice]
    related: list[Related]
    explorer_query: str


def history_of(tag: str, place: Place, *, newest: int, with_data: bool, using: str) -> History:
    """Return the history of ``tag`` at ``place``; related are the tags of its ``newest`` facts."""
    page = timeline_page(tag, place, using)
    rows = page.rows if place.is_newest_first else page.rows[::-1]
    events = shown_events(rows, page.head, using, with_data=with_data)
    older = None if page.older is None else place.at(before=page.older).url
    newer = None if page.newer is None else place.at(after=page.newer).url
    previous, following = (newer, older) if place.is_newest_first else (older, newer)
    return History(
        place,
        events,
        first_url=place.at().url if previous else None,
        previous_url=previous,
        next_url=following,
        other_order_url=Place(place.type, not place.is_newest_first).url,
        types=_choices(place, types_to_choose(tag, place, events)),
        related=_related(related_tags(tag, newest=newest, using=using)),
        explorer_query=explorer_query_string(Query.of(QueryItem(tags=[tag]))),
    )


def _choices(place: Place, types: Iterable[str]) -> list[Choice]:
    return [Choice(each, Place(each, place.is_newest_first).url, each == place.type) for each in ("", *types)]


def _related(found: list[tuple[str, int]]) -> list[Related]:
    links = tag_links(tag for tag, _ in found)
    return [Related(link, count) for link, (_, count) in zip(links, found, strict=True)]

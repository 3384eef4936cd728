"""The history of one tag: its facts in order, a page at a time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from django.http import QueryDict

from factos_django.admin.fact_pages import Between, FactPage, fact_page, position_in
from factos_django.core.event_types import EVENT_TYPES
from factos_django.core.naming import checked_name
from factos_django.core.query import Query, QueryItem
from factos_django.models import Event

__all__ = ["Place", "place_of", "timeline_page", "types_to_choose"]

#: So many types are offered (types).
_MOST_TYPES = 40


@dataclass(frozen=True, slots=True)
class Place:
    """Which part of a history is looked at.

    Attributes:
        type: Only facts of this type; empty: of any.
        is_newest_first: In which order.
        after: The page above this position.
        before: The page below this position.
    """

    type: str = ""
    is_newest_first: bool = False
    after: int | None = None
    before: int | None = None

    @property
    def between(self) -> Between:
        """The same for reading: in the usual order a history begins at its oldest fact."""
        if self.after is None and self.before is None and not self.is_newest_first:
            return Between(above=0)
        return Between(below=self.before, above=self.after)

    def at(self, *, after: int | None = None, before: int | None = None) -> Place:
        """Return the page elsewhere in the same history."""
        return replace(self, after=after, before=before)

    @property
    def url(self) -> str:
        """Its address, relative to that of the tag."""
        said = {
            "type": self.type,
            "order": "newest" if self.is_newest_first else "",
            "after": self.after,
            "before": self.before,
        }
        return f"?{urlencode({name: value for name, value in said.items() if value not in ('', None)})}"


def place_of(given: QueryDict) -> Place:
    """Return the part that an address asks for; raise InvalidInput."""
    type = given.get("type", "")
    return Place(
        checked_name(type) if type else "",
        given.get("order") == "newest",
        position_in(given.get("after", "")),
        position_in(given.get("before", "")),
    )


def timeline_page(tag: str, place: Place, using: str) -> FactPage:
    """Return the facts of ``tag`` at ``place``."""
    query = Query.of(QueryItem(types=[place.type] if place.type else [], tags=[tag]))
    return fact_page(query, place.between, using=using)


def types_to_choose(tag: str, place: Place, events: Iterable[Event]) -> list[str]:
    """Return the types that a history may be narrowed to, in order, and not too many.

    Those of the page, and those that are registered and could carry ``tag``. The log is not asked for all: it
    would have to be read from end to end.
    """
    shown = dict.fromkeys([*filter(None, [place.type]), *(event.type for event in events)])
    could = sorted(kind.name for kind in EVENT_TYPES if kind.could_have_tag(tag))
    return sorted(list(shown | dict.fromkeys(could))[:_MOST_TYPES])

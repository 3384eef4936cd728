"""Pages of facts that match a query, by the positions between which they lie."""

from __future__ import annotations

import re
from dataclasses import dataclass

from factos_django.core.errors import InvalidPosition
from factos_django.core.position import checked_position
from factos_django.core.query import Query
from factos_django.store.rows import EventRow
from factos_django.store.stored import Page, stored_page

__all__ = ["Between", "FactPage", "fact_page", "position_in"]

_DIGITS = re.compile("[0-9]{1,19}")


@dataclass(frozen=True, slots=True)
class Between:
    """The positions between which a page lies, and its length.

    Attributes:
        below: The page begins below this position and goes down; None: at the newest fact.
        above: The page ends above this position and goes up; it wins over ``below``. 0: at the oldest fact.
        after: Nothing at or below this position belongs to any page.
        before: Nothing at or above this position belongs to any page.
        limit: At most so many facts (rows).
    """

    below: int | None = None
    above: int | None = None
    after: int = 0
    before: int | None = None
    limit: int = 50

    @property
    def goes_up(self) -> bool:
        """Whether it is read from its oldest fact up."""
        return self.above is not None


@dataclass(frozen=True, slots=True)
class FactPage:
    """Facts, those above the stable head included, and where their neighbours are.

    Attributes:
        rows: As they are stored, newest first.
        head: The stable head when they were read.
        newer: The next page upward ends above this position; None: there is none.
        older: The next page downward begins below this position; None: there is none.
        looked_to: It was not looked beyond this position, and there may be more.
    """

    rows: tuple[EventRow, ...]
    head: int
    newer: int | None
    older: int | None
    looked_to: int | None


def fact_page(query: Query, place: Between, *, most_looked_at: int | None = None, using: str) -> FactPage:
    """Return the page of what matches ``query`` at ``place``; see ``stored_page`` for ``most_looked_at``."""
    page = stored_page(
        query,
        after=max(place.after, place.above or 0),
        before=_lower(place.before, None if place.goes_up else place.below),
        limit=place.limit,
        backwards=not place.goes_up,
        beyond_head=True,
        most_looked_at=most_looked_at,
        using=using,
    )
    beyond = _beyond(page)
    rows = page.events[::-1] if place.goes_up else page.events
    if place.above is not None:
        older = (rows[-1].position if rows else place.above + 1) if place.above > place.after else None
        return FactPage(rows, page.head, newer=beyond, older=older, looked_to=page.looked_to)
    newer = None if place.below is None else rows[0].position if rows else max(0, place.below - 1)
    return FactPage(rows, page.head, newer=newer, older=beyond, looked_to=page.looked_to)


def position_in(text: str) -> int | None:
    """Return the position that ``text`` says in digits, None for no text; raise InvalidPosition."""
    if not text:
        return None
    if not _DIGITS.fullmatch(text):
        raise InvalidPosition(position=text)
    return checked_position(int(text))


def _beyond(page: Page) -> int | None:
    """Return from where on there is more in the direction in which ``page`` was read."""
    return page.events[-1].position if page.is_cut else page.looked_to


def _lower(one: int | None, other: int | None) -> int | None:
    known = [each for each in (one, other) if each is not None]
    return min(known, default=None)

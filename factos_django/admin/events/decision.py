"""The facts that a decision saw, read again: what matched its query up to its position."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from factos_django.admin.explorer.address import explorer_query_string
from factos_django.admin.facts import as_json, shown_events
from factos_django.admin.query_words import query_in_words
from factos_django.core.errors import InvalidInput
from factos_django.core.position import LAST_POSITION, checked_position
from factos_django.core.query import Query
from factos_django.models import Event
from factos_django.store.rows import EventRow
from factos_django.store.stored import stored_decision, stored_page

__all__ = ["Decision", "decision_behind"]

#: So many facts are shown (facts).
_MOST_FACTS = 50
_MOST_LOOKED_AT = 400
#: No address is longer (characters): servers refuse those that are.
_MOST_ADDRESS = 4_000


@dataclass(frozen=True, slots=True)
class Decision:
    """What is stored of a decision, and what it saw.

    Attributes:
        stored: The JSON text that is stored.
        is_readable: Whether it says a query and a position.
        position: The query was read up to it.
        words: The query, as a sentence.
        rows: The newest of the facts that it saw, in the order of positions.
        events: The same, newest first.
        is_all: Whether it saw no others.
        looked_to: It was not looked below this position for more.
        explorer: What follows the question mark in the explorer's address of these facts; empty for none.
    """

    stored: str
    is_readable: bool = False
    position: int = 0
    words: str = ""
    rows: Sequence[EventRow] = ()
    events: Sequence[Event] = field(default_factory=list)
    is_all: bool = True
    looked_to: int | None = None
    explorer: str = ""


def decision_behind(position: int, head: int, using: str, *, with_data: bool) -> Decision | None:
    """Return the decision behind the fact at ``position``; None after a plain append."""
    stored = stored_decision(position, using=using)
    if stored is None:
        return None
    try:
        query, last = _read(stored)
        return _decision(stored, query, last, head, using, with_data=with_data)
    except (InvalidInput, LookupError, TypeError, AttributeError):  # somebody changed the row
        return Decision(stored)


def _read(stored: str) -> tuple[Query, int]:
    value, _ = as_json(stored)
    return Query.from_data(value["query"]), checked_position(value["position"])


def _decision(stored: str, query: Query, last: int, head: int, using: str, *, with_data: bool) -> Decision:
    page = stored_page(
        query,
        before=min(last + 1, LAST_POSITION),
        limit=_MOST_FACTS,
        backwards=True,
        beyond_head=True,
        most_looked_at=_MOST_LOOKED_AT,
        using=using,
    )
    address = explorer_query_string(query, before=last + 1)
    return Decision(
        stored=stored,
        is_readable=True,
        position=last,
        words=query_in_words(query),
        rows=page.events[::-1],
        events=shown_events(page.events, head, using, with_data=with_data),
        is_all=not page.is_cut and page.looked_to is None,
        looked_to=page.looked_to,
        explorer=address if len(address) <= _MOST_ADDRESS else "",
    )

"""How an address says a query, so that it can be shared and kept as a bookmark.

::

    ?types-1=TicketSold&types-1=TicketRefunded&tags-1=event:gleamconf-2026&tags-2=buyer:renata

    types-N     a type of the item N, as often as it has types
    tags-N      a tag of the item N, as often as it has tags; an empty one says nothing
    everything  1: every fact, whatever the items say
    after       only facts above this position
    before      only facts below this position
    below       the page of facts that begins below this position
    above       the page of facts that ends above this position
    add_item    the same with one more item, an empty one (the page goes there)
    remove_item the same without the item of this number

N is a whole number from 1 to 9999 and means nothing else than which types and tags belong together; an item
without any is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from django.http import QueryDict

from factos_django.core.query import Query

__all__ = [
    "ABOVE",
    "BELOW",
    "Address",
    "ItemText",
    "address_of",
    "changed_address",
    "explorer_query_string",
]

EVERYTHING, AFTER, BEFORE, BELOW, ABOVE = "everything", "after", "before", "below", "above"
ADD, REMOVE = "add_item", "remove_item"

_OF_ITEM = re.compile("(?:types|tags)-([1-9][0-9]{0,3})")


@dataclass(frozen=True, slots=True)
class ItemText:
    """One item as somebody wrote it, unchecked."""

    types: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether it says nothing."""
        return not self.types and not self.tags


@dataclass(frozen=True, slots=True)
class Address:
    """A query as somebody wrote it, unchecked, without the page of its facts.

    Attributes:
        items: The empty ones, too.
        everything: Whether every fact is asked for.
        after: Text that should be a position, or nothing.
        before: The same.
    """

    items: tuple[ItemText, ...] = ()
    everything: bool = False
    after: str = ""
    before: str = ""

    @property
    def says_something(self) -> bool:
        """Whether there is a query in it."""
        return self.everything or not all(item.is_empty for item in self.items)

    def query_string(self) -> str:
        """Return it as what follows the question mark."""
        pairs = [pair for number, item in enumerate(self.items, 1) for pair in _pairs(number, item)]
        pairs += [(EVERYTHING, "1")] if self.everything else []
        pairs += [(name, text) for name, text in ((AFTER, self.after), (BEFORE, self.before)) if text]
        return urlencode(pairs)


def explorer_query_string(query: Query, before: int | None = None) -> str:
    """Return what follows the question mark in the address of the explorer (``admin:factos_explorer``).

    Args:
        query: Which facts.
        before: Only those below this position; a decision saw those up to its own position and so below
            the next one.
    """
    items = tuple(ItemText(item.types, item.tags) for item in query.items)
    return Address(items, query.everything, before="" if before is None else str(before)).query_string()


def address_of(given: QueryDict) -> Address:
    """Return what ``given`` says."""
    numbers = {int(found[1]) for name in given if (found := _OF_ITEM.fullmatch(name))}
    items = (
        ItemText(_said(given.getlist(f"types-{number}")), _said(given.getlist(f"tags-{number}")))
        for number in sorted(numbers)
    )
    return Address(
        tuple(items),
        everything=bool(given.get(EVERYTHING)),
        after=given.get(AFTER, "").strip(),
        before=given.get(BEFORE, "").strip(),
    )


def changed_address(given: QueryDict) -> Address | None:
    """Return what ``given`` says with an item more or less; None where it asks for neither."""
    if REMOVE in given:
        rest = given.copy()
        for name in ("types", "tags"):
            rest.pop(f"{name}-{given[REMOVE]}", None)
        return address_of(rest)
    if ADD in given:
        address = address_of(given)
        return replace(address, items=(*(address.items or [ItemText()]), ItemText()))
    return None


def _said(texts: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(filter(None, texts)))


def _pairs(number: int, item: ItemText) -> Iterable[tuple[str, str]]:
    """Yield the pairs of an item; an empty one is kept by an empty tag."""
    yield from ((f"types-{number}", each) for each in item.types)
    yield from ((f"tags-{number}", each) for each in item.tags or ([""] if item.is_empty else []))

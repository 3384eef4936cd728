"""The ways to find what matches a query: from which index, and what is looked up for each of its entries."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.db import connections

from factos_django.core.query import Query, QueryItem
from factos_django.store.filters import Filters, filter_conditions
from factos_django.store.matching import Fragment, have_tags, matches_items
from factos_django.store.starts import Start, everything, of_metadata, of_tag, of_type

__all__ = ["Branch", "Way", "ways_of_items", "ways_of_metadata"]

#: The types that are started from each by itself, in one query. Of more of them most facts are one.
_MOST_TYPES = 100

_ROW_MEETS = "EXISTS (SELECT 1 FROM factos_event e WHERE e.position = c.position AND {only} LIMIT 1 OFFSET 0)"


@dataclass(frozen=True, slots=True)
class Branch:
    """A start, and what its entries ``c`` must meet besides.

    Attributes:
        start: The index.
        conditions: As SQL over ``c.position``.
        weight: What is read for one entry (rows of indexes): itself, and what each condition looks up.
    """

    start: Start
    conditions: tuple[Fragment, ...]
    weight: int


@dataclass(frozen=True, slots=True)
class Way:
    """Branches that find, together, what matches an item or a query."""

    branches: tuple[Branch, ...]

    @property
    def weight(self) -> int:
        """What is read if each branch looks at one entry (rows)."""
        return sum(branch.weight for branch in self.branches)


def ways_of_items(query: Query, filters: Filters, using: str) -> list[list[Way]]:
    """Return, for each item of ``query``, the ways to find what matches it: one from each of its tags."""
    row = filter_conditions(filters, using)
    if query.everything:
        return [[Way((_branch(everything(), (), row),))]]
    by_type = sum(len(item.types) for item in query.items) <= _MOST_TYPES
    return [list(_ways_of(item, row, by_type)) for item in query.items]


def ways_of_metadata(query: Query, filters: Filters, using: str) -> list[Way]:
    """Return the ways to find what matches ``query`` that start from metadata: one from each key."""
    vendor = connections[using].vendor
    row = filter_conditions(filters, using)
    tags = 0
    if not query.everything:
        row, tags = [*row, matches_items(query)], sum(len(item.tags) for item in query.items)
    return [
        Way((_branch(of_metadata(vendor, key, value), (), row, looks=tags),))
        for key, value in filters.metadata.items()
    ]


def _ways_of(item: QueryItem, row: Sequence[Fragment], by_type: bool) -> Iterator[Way]:
    if item.types and not by_type:
        places = ", ".join(["%s"] * len(item.types))
        row = [*row, (f"e.type IN ({places})", list(item.types))]
    types = item.types if by_type else ()
    for tag in item.tags:
        others = tuple(each for each in item.tags if each != tag)
        starts = [of_tag(tag, each) for each in types] or [of_tag(tag)]
        yield Way(tuple(_branch(start, others, row) for start in starts))
    if not item.tags:
        starts = [of_type(each) for each in types] or [everything()]
        yield Way(tuple(_branch(start, (), row) for start in starts))


def _branch(start: Start, tags: tuple[str, ...], row: Sequence[Fragment], *, looks: int = 0) -> Branch:
    conditions: list[Fragment] = []
    if tags:
        conditions.append((" AND ".join(have_tags(len(tags), position="c.position")), list(tags)))
    if row:
        only = " AND ".join(sql for sql, _ in row)
        parameters = [each for _, given in row for each in given]
        conditions.append((_ROW_MEETS.format(only=only), parameters))
    return Branch(start, tuple(conditions), 1 + len(tags) + bool(row) + looks)

"""Queries: which facts can change the answer to a command.

The rules are those of the Dynamic Consistency Boundary specification (https://dcb.events): items are
OR-ed; in an item, types are OR-ed and tags AND-ed. There is no optimiser: merging items has been
wrong in other stores.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from factos_django.core.errors import InvalidQuery
from factos_django.core.event_types import type_name
from factos_django.core.tag import checked_tags

__all__ = ["Matchable", "Query", "QueryItem"]


class Matchable(Protocol):
    """What a query can match: anything with a type name and tags."""

    @property
    def type(self) -> str: ...
    @property
    def tags(self) -> tuple[str, ...]: ...


@dataclass(frozen=True, slots=True, init=False, eq=False)
class QueryItem:
    """One branch of a query: any of these types, and all of these tags.

    Args:
        types: Registered classes or stored names. None of them means any type.
        tags: Tags that an event must carry all of. None of them means any tags. Their order means
            nothing to what matches.
    """

    types: tuple[str, ...]
    tags: tuple[str, ...]

    def __init__(self, types: Iterable[type[Any] | str] = (), tags: Iterable[str] = ()) -> None:
        if isinstance(types, str):
            raise InvalidQuery(reason="types= takes a list, not one string")
        object.__setattr__(self, "types", tuple(sorted({type_name(each) for each in types})))
        object.__setattr__(self, "tags", checked_tags(tags))
        if not self.types and not self.tags:
            raise InvalidQuery(reason="an item without types and tags matches everything: use Query.all()")

    def matches(self, recorded: Matchable) -> bool:
        """Tell whether ``recorded`` has one of the types and all of the tags, byte for byte."""
        return (not self.types or recorded.type in self.types) and set(self.tags) <= set(recorded.tags)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, QueryItem):
            return NotImplemented
        return self.types == other.types and set(self.tags) == set(other.tags)

    def __hash__(self) -> int:
        return hash((self.types, frozenset(self.tags)))


@dataclass(frozen=True, slots=True, eq=False)
class Query:
    """A set of facts: those that match one of ``items``. Make it by ``Query.of`` or ``Query.all``.

    Two queries are equal if they have the same items, in any order.
    """

    items: tuple[QueryItem, ...]
    everything: bool = False

    def __post_init__(self) -> None:
        if not all(isinstance(item, QueryItem) for item in self.items):
            raise InvalidQuery(reason="its items are QueryItem(types=[...], tags=[...])")
        if not self.items and not self.everything:
            raise InvalidQuery(reason="it has no items; to match every event say Query.all()")
        if self.items and self.everything:
            raise InvalidQuery(reason="a query of everything has no items")

    @classmethod
    def of(cls, *items: QueryItem) -> Query:
        """Return the query that matches what any of ``items`` matches."""
        return cls(items)

    @classmethod
    def all(cls) -> Query:
        """Return the query that matches every event."""
        return cls((), everything=True)

    def matches(self, recorded: Matchable) -> bool:
        """Tell whether ``recorded`` belongs to this query."""
        return self.everything or any(item.matches(recorded) for item in self.items)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Query):
            return NotImplemented
        return (self.everything, set(self.items)) == (other.everything, set(other.items))

    def __hash__(self) -> int:
        return hash((self.everything, frozenset(self.items)))

    def as_data(self) -> dict[str, Any]:
        """Return the query as plain data, the same for the same items in any order."""
        if self.everything:
            return {"all": True}
        said = sorted({(item.types, tuple(sorted(item.tags))) for item in self.items})
        return {"items": [{"types": list(types), "tags": list(tags)} for types, tags in said]}

    @classmethod
    def from_data(cls, data: dict[str, Any]) -> Query:
        """Return the query that ``as_data`` described."""
        if data.get("all") is True:
            return cls.all()
        return cls.of(*(QueryItem(types=item["types"], tags=item["tags"]) for item in data.get("items", ())))

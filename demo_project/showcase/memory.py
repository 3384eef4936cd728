"""Facts that are not in a log yet, found as a log finds them. Pure; nothing here knows Django."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from factos_django import Query, QueryItem
from factos_django.core.event_types import type_of

__all__ = ["Memory"]


class Memory:
    """Facts in their order. It answers queries whose items have types and tags, as those of decisions do."""

    def __init__(self) -> None:
        self._facts: list[tuple[Any, frozenset[str]]] = []
        self._places: defaultdict[tuple[str, str], list[int]] = defaultdict(list)

    def remember(self, facts: Iterable[Any]) -> None:
        """Take ``facts`` in, behind all others."""
        for fact in facts:
            kind = type_of(fact)
            tags = frozenset(kind.tags_of(fact))
            for tag in tags:
                self._places[kind.name, tag].append(len(self._facts))
            self._facts.append((fact, tags))

    def matching(self, query: Query) -> list[Any]:
        """Return the facts that ``query`` asks for."""
        places = {place for item in query.items for place in self._matching(item)}
        return [self._facts[place][0] for place in sorted(places)]

    def _matching(self, item: QueryItem) -> Iterator[int]:
        wanted = set(item.tags)
        for name in item.types:
            places = self._places.get((name, item.tags[0]), ())
            yield from (place for place in places if wanted <= self._facts[place][1])

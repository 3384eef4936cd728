"""The tables of the log, read by plain SQL: nothing of the code under test is asked what they hold."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from django.db import connections

from tests.history.operations import Query

__all__ = ["Fact", "Log", "item_matches", "matches", "read_tables"]


@dataclass(frozen=True, slots=True)
class Fact:
    """A row of the event table; ``append`` is the name of the append that recorded it."""

    position: int
    identity: str
    type: str
    tags: frozenset[str]
    append: str

    @property
    def mark(self) -> str:
        """What the fact says of the append that it belongs to."""
        return self.identity.rpartition("/")[0]


@dataclass
class Log:
    """The rows: facts, the tags of each position in the table of tags, positions under each key."""

    facts: list[Fact]
    tag_rows: Mapping[int, frozenset[tuple[str, str]]]
    keys: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.facts = sorted(self.facts, key=lambda fact: fact.position)

    @classmethod
    def of(cls, *facts: Fact, keys: Mapping[str, tuple[int, ...]] | None = None) -> Log:
        """Return the log of these facts, with the rows of tags that belong to them."""
        rows = {fact.position: frozenset((tag, fact.type) for tag in fact.tags) for fact in facts}
        return cls(list(facts), rows, keys or {})

    @cached_property
    def by_identity(self) -> dict[str, Fact]:
        """The facts by what they say of themselves; of two that say the same, the last."""
        return {fact.identity: fact for fact in self.facts}

    @cached_property
    def by_position(self) -> dict[int, Fact]:
        """The facts by their positions."""
        return {fact.position: fact for fact in self.facts}

    @cached_property
    def _present(self) -> frozenset[Fact]:
        return frozenset(self.facts)

    @cached_property
    def _positions(self) -> frozenset[int]:
        return frozenset(fact.position for fact in self.facts)

    @cached_property
    def by_append(self) -> dict[str, list[Fact]]:
        """The facts that each append recorded, in the order of positions."""
        return _grouped((fact.append, fact) for fact in self.facts)

    @cached_property
    def by_mark(self) -> dict[str, list[Fact]]:
        """The facts under each mark, in the order of positions."""
        return _grouped((fact.mark, fact) for fact in self.facts)

    @cached_property
    def _by_tag(self) -> dict[str, list[Fact]]:
        return _grouped((tag, fact) for fact in self.facts for tag in fact.tags)

    @cached_property
    def _by_type(self) -> dict[str, list[Fact]]:
        return _grouped((fact.type, fact) for fact in self.facts)

    def matching(
        self, query: Query, after: int = 0, upto: int | None = None, own: Iterable[Fact] = ()
    ) -> list[Fact]:
        """Return the facts that match in (after, upto], and those of ``own`` that the log lacks.

        SQLite gives the positions of what was rolled back again; such facts were not there yet.
        """
        lacking = [fact for fact in own if fact not in self._present]
        last = self._last_before(lacking, upto)
        found = set(_between(sorted(lacking, key=lambda fact: fact.position), after, upto))
        for candidates in self._candidates(query):
            found.update(_between(candidates, after, last))
        return sorted((fact for fact in found if matches(query, fact)), key=lambda fact: fact.position)

    def _last_before(self, lacking: list[Fact], upto: int | None) -> int | None:
        first = min((fact.position for fact in lacking), default=0)
        if first not in self._positions:
            return upto
        return first - 1 if upto is None else min(upto, first - 1)

    def _candidates(self, query: Query) -> Iterator[list[Fact]]:
        for item in query.get("items", ()):
            if item["tags"]:
                yield min((self._by_tag.get(tag, []) for tag in item["tags"]), key=len)
            else:
                yield from (self._by_type.get(kind, []) for kind in item["types"])
        if query.get("all"):
            yield self.facts


def matches(query: Query, fact: Any) -> bool:
    """Tell whether anything with a type and tags belongs to the query."""
    return bool(query.get("all")) or any(item_matches(item, fact) for item in query["items"])


def item_matches(item: dict[str, Any], fact: Any) -> bool:
    """Tell whether it has one of the item's types (if any) and all of its tags."""
    return (not item["types"] or fact.type in item["types"]) and set(item["tags"]) <= set(fact.tags)


def read_tables(using: str) -> Log:
    """Return what the tables of the database ``using`` hold."""
    return Log(
        facts=[_fact(*row) for row in _rows("position, type, data, tags, metadata", "factos_event", using)],
        tag_rows=_tag_rows(using),
        keys={
            key: tuple(_json(positions))
            for key, positions in _rows("idempotency_key, positions", "factos_idempotencykey", using)
        },
    )


def _rows(columns: str, table: str, using: str) -> list[tuple[Any, ...]]:
    with connections[using].cursor() as cursor:
        cursor.execute(f"SELECT {columns} FROM {table}")
        return list(cursor.fetchall())


def _json(value: Any) -> Any:
    return json.loads(value) if isinstance(value, (str, bytes)) else value


def _fact(position: int, kind: str, data: Any, tags: Any, metadata: Any) -> Fact:
    said = _json(data)
    identity = f"{said['mark']}/{said['ordinal']}"
    return Fact(position, identity, kind, frozenset(_json(tags)), _json(metadata).get("append", ""))


def _tag_rows(using: str) -> dict[int, frozenset[tuple[str, str]]]:
    rows = _grouped((row[0], row[1:]) for row in _rows("event_id, value, type", "factos_tag", using))
    return {position: frozenset(tags) for position, tags in rows.items()}


def _grouped(pairs: Iterable[tuple[Any, Any]]) -> dict[Any, list[Any]]:
    groups: dict[Any, list[Any]] = defaultdict(list)
    for key, value in pairs:
        groups[key].append(value)
    return dict(groups)


def _between(facts: list[Fact], after: int, upto: int | None) -> list[Fact]:
    first = bisect_right(facts, after, key=lambda fact: fact.position)
    last = len(facts) if upto is None else bisect_right(facts, upto, key=lambda fact: fact.position)
    return facts[first:last]

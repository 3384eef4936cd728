"""A log in memory: the reference of the store contract, and the world of given/when/then."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID

from factos_django.core.canonical_json import decode_json
from factos_django.core.condition import AppendCondition, AppendConditionFailed
from factos_django.core.decider import Context, Decider, decide_context, evolve_recorded
from factos_django.core.errors import EventIdReused, IdempotencyKeyReused, InvalidQuery
from factos_django.core.event import Recorded
from factos_django.core.metadata import Metadata, checked_idempotency_key
from factos_django.core.position import checked_position
from factos_django.core.query import Query
from factos_django.dispatch import Dispatched, digest_of
from factos_django.store.matching import checked_query
from factos_django.store.prepared import Prepared, fingerprint, metadata_of_append, prepare
from factos_django.store.reading import checked_limit
from factos_django.store.rows import event_of

__all__ = ["InMemoryLog"]

Command = TypeVar("Command")
State = TypeVar("State")
Event = TypeVar("Event")


@dataclass(frozen=True, slots=True)
class _Row:
    prepared: Prepared
    position: int
    recorded_at: datetime


@dataclass(slots=True)
class _Contents:
    rows: list[_Row] = field(default_factory=list)
    keys: dict[str, tuple[str, tuple[int, ...], int]] = field(default_factory=dict)
    ids: dict[UUID, _Row] = field(default_factory=dict)


class InMemoryLog:
    """What the store promises, for one process and one thread, with nothing stored.

    Payloads go through their codec when they are appended and when they are read, as in a database.
    """

    def __init__(self) -> None:
        self._contents = _Contents()
        self._drawn = 0

    def append(
        self,
        events: Iterable[Any],
        *,
        condition: AppendCondition | None = None,
        metadata: Metadata | None = None,
        idempotency_key: str | None = None,
    ) -> tuple[Recorded[Any], ...]:
        """Record ``events`` as ``factos_django.store.append`` does."""
        key = None if idempotency_key is None else checked_idempotency_key(idempotency_key)
        prepared = prepare(events, metadata_of_append(metadata, key))
        if condition is not None:
            _checked_condition(condition)
        digest = fingerprint(prepared) if key is not None else ""
        if (known := self._known(key, digest)) is not None:
            return known[0]
        recorded = self._repeated(prepared)
        if not recorded:
            self._check(condition)
            recorded = self._store(prepared)
        self._keep(key, digest, recorded, recorded[-1].position)
        return recorded

    def read(
        self, query: Query, *, after: int = 0, limit: int | None = None, backwards: bool = False
    ) -> Iterator[Recorded[Any]]:
        """Yield what ``factos_django.store.read`` yields."""
        checked_query(query)
        checked_position(after)
        checked_limit(limit)
        rows = [row for row in self._contents.rows if row.position > after and query.matches(row.prepared)]
        ordered = rows[::-1] if backwards else rows
        return (_recorded(row) for row in ordered[:limit])

    def read_context(self, query: Query, decider: Decider[Any, State, Event]) -> Context[State, Event]:
        """Return what ``factos_django.store.read_context`` returns."""
        return self._context(query, decider)

    def head(self) -> int:
        """Return the position of the last event, 0 for an empty log."""
        return self._contents.rows[-1].position if self._contents.rows else 0

    def dispatch(
        self,
        command: Command,
        *,
        decider: Decider[Command, State, Event],
        query: Any,
        metadata: Metadata | None = None,
        idempotency_key: str | None = None,
    ) -> Dispatched[Event]:
        """Decide and record as ``factos_django.dispatch.dispatch`` does."""
        key = None if idempotency_key is None else checked_idempotency_key(idempotency_key)
        asked = checked_query(query(command) if callable(query) else query)
        stamps = metadata_of_append(metadata, key)
        digest = digest_of(command, asked) if key is not None else ""
        if (known := self._known(key, digest)) is not None:
            return Dispatched(known[0], known[1], None, 0)
        context = self._context(asked, decider)
        events = decide_context(context, command, decider)
        prepared = prepare(events, stamps) if events else ()
        recorded = self._repeated(prepared) or self._store(prepared)
        position = recorded[-1].position if recorded else context.position
        self._keep(key, digest, recorded, position)
        return Dispatched(recorded, position, context, 1)

    @contextmanager
    def atomic(self) -> Iterator[None]:
        """Undo what the block recorded if it ends with an exception, as a transaction does."""
        before = copy.copy(self._contents)
        before.rows, before.keys, before.ids = list(before.rows), dict(before.keys), dict(before.ids)
        try:
            yield
        except BaseException:
            self._contents = before
            raise

    def _context(self, query: Query, decider: Decider[Any, State, Event]) -> Context[State, Event]:
        events = tuple(self.read(query))
        position = events[-1].position if events else 0
        return Context(query, evolve_recorded(decider, events), events, position)

    def _check(self, condition: AppendCondition | None) -> None:
        if condition is None:
            return
        found = self.read(condition.fail_if_events_match, after=condition.after or 0, limit=100)
        if positions := tuple(recorded.position for recorded in found):
            raise AppendConditionFailed(condition=condition, positions=positions)

    def _store(self, prepared: tuple[Prepared, ...]) -> tuple[Recorded[Any], ...]:
        moment = datetime.now(UTC)
        rows = [_Row(each, self._drawn + n, moment) for n, each in enumerate(prepared, start=1)]
        self._drawn += len(rows)
        self._contents.rows += rows
        self._contents.ids |= {row.prepared.id: row for row in rows}
        return tuple(replace(_recorded(row), event=row.prepared.event) for row in rows)

    def _known(self, key: str | None, digest: str) -> tuple[tuple[Recorded[Any], ...], int] | None:
        if key is None or key not in self._contents.keys:
            return None
        first, positions, position = self._contents.keys[key]
        if first != digest:
            raise IdempotencyKeyReused(key=key)
        found = (row for row in self._contents.rows if row.position in positions)
        return tuple(map(_recorded, found)), position

    def _keep(self, key: str | None, digest: str, recorded: tuple[Recorded[Any], ...], position: int) -> None:
        if key is not None:
            self._contents.keys[key] = (digest, tuple(each.position for each in recorded), position)

    def _repeated(self, prepared: tuple[Prepared, ...]) -> tuple[Recorded[Any], ...]:
        ids = self._contents.ids
        known = [ids[each.id] for each in prepared if each.repeatable and each.id in ids]
        if not known:
            return ()
        for each in prepared:
            if each.id not in ids or not _same(each, ids[each.id].prepared):
                row = ids.get(each.id, known[0])
                raise EventIdReused(id=row.prepared.id, position=row.position)
        return tuple(map(_recorded, sorted(known, key=lambda row: row.position)))


def _checked_condition(condition: object) -> None:
    if not isinstance(condition, AppendCondition):
        raise InvalidQuery(reason=f"condition= takes an AppendCondition, not {type(condition).__name__}")
    checked_query(condition.fail_if_events_match)


def _recorded(row: _Row) -> Recorded[Any]:
    prepared = row.prepared
    return Recorded(
        event_of(prepared.type, prepared.version, prepared.data_text, row.position),
        row.position,
        prepared.id,
        prepared.type,
        prepared.version,
        prepared.tags,
        decode_json(prepared.metadata_text),
        row.recorded_at,
    )


def _same(first: Prepared, second: Prepared) -> bool:
    return (first.type, first.version, first.data_text, set(first.tags)) == (
        second.type,
        second.version,
        second.data_text,
        set(second.tags),
    )

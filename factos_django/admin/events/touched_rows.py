"""The rows of projections that a fact touched, as they are now.

Which ones is asked of the application's own code, which may raise anything: that is told, and breaks nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from django.db import connections, models, transaction
from django.db.models import Q

from factos_django.core.event import Recorded
from factos_django.models import Event, ProjectionState
from factos_django.projections.declaration import Projection
from factos_django.projections.keyed import KeyedRows
from factos_django.projections.rows import Key, Shape
from factos_django.registry import PROJECTIONS
from factos_django.store.rows import EventRow, recorded_of
from factos_django.workers.error_text import error_in_words

__all__ = ["AddressOf", "RowNow", "Touched", "TouchedRows", "touched_rows"]

#: So many rows of one projection are shown (rows).
_MOST_ROWS = 20
#: So much of a value is shown (characters).
_MOST_OF_VALUE = 200

#: Returns the address of the row's own page in the admin; empty for none.
AddressOf: TypeAlias = Callable[[models.Model], str]


@dataclass(frozen=True, slots=True)
class RowNow:
    """A row that a fact touched. Its key and its values come from facts, and are told ``with_data`` alone.

    Attributes:
        key: What its key is made of.
        is_there: Whether there is a row now.
        is_folded: Whether the row holds the fact, or a later one.
        values: Its other values by the names of their columns, long ones cut.
        address: Of its page in the admin; empty for none.
    """

    key: str = ""
    is_there: bool = False
    is_folded: bool = False
    values: Sequence[tuple[str, Any]] = ()
    address: str = ""


@dataclass(frozen=True, slots=True)
class Touched:
    """What a fact touched of one projection.

    Attributes:
        projection: Which.
        is_keyed: Whether it can be told; the rows of a handler cannot.
        rows: At most so many as are shown.
        others: How many there are besides.
        reached: The position to which it has folded the log, of one that follows it, if that is known.
        is_behind: Whether that is below the fact.
        error: What its code, or the reading of its rows, raised; empty for nothing.
    """

    projection: Projection
    is_keyed: bool
    rows: Sequence[RowNow] = ()
    others: int = 0
    reached: int | None = None
    is_behind: bool = False
    error: str = ""


@dataclass(frozen=True, slots=True)
class TouchedRows:
    """What a fact touched of all projections; ``error`` says why that cannot be told, if it cannot."""

    projections: Sequence[Touched] = field(default_factory=list)
    error: str = ""


def touched_rows(
    event: Event, row: EventRow, using: str, *, with_data: bool, address_of: AddressOf
) -> TouchedRows:
    """Return what the fact of ``row``, which is ``event``, touched of the projections that fold it."""
    folding = [each for each in PROJECTIONS if each.takes_part(using) and each.query.matches(event)]
    if not folding:
        return TouchedRows()
    try:
        (recorded,) = recorded_of([row], using)
    except Exception as error:
        return TouchedRows(error=_told(error, with_data))
    states = ProjectionState.objects.using(using).in_bulk([each.name for each in folding])
    look = _Look(recorded, using, with_data, address_of)
    return TouchedRows([look.at(each, states.get(each.name)) for each in folding])


@dataclass(frozen=True, slots=True)
class _Look:
    recorded: Recorded[Any]
    using: str
    with_data: bool
    address_of: AddressOf

    def at(self, projection: Projection, state: ProjectionState | None) -> Touched:
        feed = projection.feed
        reached = None if state is None or projection.inline else state.position
        is_behind = reached is not None and reached < self.recorded.position
        told = Touched(projection, isinstance(feed, KeyedRows), reached=reached, is_behind=is_behind)
        if not isinstance(feed, KeyedRows):
            return told
        try:
            with _contained(self.using):
                keys = feed.keys(self.recorded)
                rows = list(self._rows(feed.shape, keys[:_MOST_ROWS]))
        except Exception as error:
            return replace(told, error=_told(error, self.with_data))
        return replace(told, rows=rows, others=len(keys) - len(rows))

    def _rows(self, shape: Shape, keys: Sequence[Key]) -> Iterator[RowNow]:
        there = _instances(shape, keys, self.using)
        for key in keys:
            instance: Any = there.get(key)
            row = RowNow(
                is_there=instance is not None,
                is_folded=instance is not None and instance.factos_position >= self.recorded.position,
            )
            yield self._with_data(row, shape, key, instance) if self.with_data else row

    def _with_data(self, row: RowNow, shape: Shape, key: Key, instance: Any) -> RowNow:
        said = _cut(", ".join(map(str, shape.parts(key))))
        if instance is None:
            return replace(row, key=said)
        return replace(row, key=said, values=_values(shape, instance), address=self.address_of(instance))


def _contained(using: str) -> AbstractContextManager[Any]:
    """Keep an error of the database out of the request's transaction; begin none, which would lock SQLite."""
    is_open = connections[using].in_atomic_block
    return transaction.atomic(using=using) if is_open else nullcontext()


def _instances(shape: Shape, keys: Sequence[Key], using: str) -> Mapping[Key, models.Model]:
    if not keys:
        return {}
    names = [column.name for column in shape.keys]
    wanted = Q()
    for key in keys:
        wanted |= Q(**dict(zip(names, shape.parts(key), strict=True)))
    found = {}
    for instance in shape.model._base_manager.using(using).filter(wanted):
        parts = tuple(getattr(instance, name) for name in names)
        found[shape.key(parts if shape.is_composite else parts[0])] = instance
    return found


def _values(shape: Shape, instance: models.Model) -> list[tuple[str, Any]]:
    others = shape.columns[len(shape.keys) : -1]  # the last one is the position
    return [(column.name, _shown(getattr(instance, column.name))) for column in others]


def _shown(value: Any) -> Any:
    """Return a value as a template writes it: moments and numbers as they are, what may be long as text."""
    return _cut(str(value)) if isinstance(value, str | bytes | memoryview | list | dict) else value


def _cut(text: str) -> str:
    return text if len(text) <= _MOST_OF_VALUE else f"{text[: _MOST_OF_VALUE - 1]}…"


def _told(error: Exception, with_data: bool) -> str:
    """Return what was raised; its words may quote a fact."""
    return _cut(error_in_words(error)) if with_data else type(error).__name__

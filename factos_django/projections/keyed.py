"""Rows folded by a pure view, each under its key."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.db import models

from factos_django.core.canonical_json import encode_unchecked
from factos_django.core.event import Recorded
from factos_django.projections.rows import Key, Row, Shape, table_of

__all__ = ["Changes", "KeyedRows"]


@dataclass(frozen=True, slots=True)
class Changes:
    """The values of rows as they become, None for no row, and which of them were there."""

    values: Mapping[Key, Sequence[Any] | None]
    existing: frozenset[Key]


@dataclass(frozen=True, slots=True, eq=False)
class KeyedRows:
    """A view whose states are rows.

    Attributes:
        shape: Their columns.
        key_of: Which row a fact changes, as the application says it; None for none. Or:
        keys_of: Which rows.
        start: The state of a row that is not there.
        evolve: The fold; None means no row.
    """

    shape: Shape
    start: Callable[[Any], Any]
    evolve: Callable[[Any, Recorded[Any]], Any]
    key_of: Callable[[Recorded[Any]], Any] | None = None
    keys_of: Callable[[Recorded[Any]], Iterable[Any]] | None = None

    @property
    def models(self) -> tuple[type[models.Model], ...]:
        """The one model."""
        return (self.shape.model,)

    def row_names(self, foreseen: Recorded[Any]) -> list[str]:
        """Return the keys as text, the same for keys that are equal."""
        return [
            encode_unchecked([_text(part) for part in self.shape.parts(k)]).decode()
            for k in self.keys(foreseen)
        ]

    def keys(self, recorded: Recorded[Any]) -> list[Key]:
        """Return the keys of the rows that ``recorded`` changes, each once, in their one form."""
        if self.key_of is not None:
            key = self.key_of(recorded)
            return [] if key is None else [self.shape.key(key)]
        keys = () if self.keys_of is None else self.keys_of(recorded)
        return list(dict.fromkeys(map(self.shape.key, keys)))

    def fold(self, recorded: Sequence[Recorded[Any]], using: str) -> Changes:
        """Read the rows and fold the facts into them.

        A state that cannot be stored is an error of its fact, however many are folded before it is written.
        """
        touched = [(each, self.keys(each)) for each in recorded]
        before = table_of(self.shape, using).load({key for _, keys in touched for key in keys})
        rows: dict[Key, Row | None] = dict(before)
        values: dict[Key, Sequence[Any] | None] = {}
        for each, keys in touched:
            changed = self.folded(each, keys, rows)
            values.update(self.values(changed))
            rows.update(changed)
        return Changes(values, frozenset(before))

    def folded(
        self, recorded: Recorded[Any], keys: Sequence[Key], rows: Mapping[Key, Row | None]
    ) -> dict[Key, Row | None]:
        """Return what ``recorded`` makes of the rows of ``keys``; all of them, or the error of one."""
        changed: dict[Key, Row | None] = {}
        for key in keys:
            row = rows.get(key)
            state = self.evolve(self.start(key) if row is None else row[0], recorded)
            changed[key] = None if state is None else (state, recorded.position)
        return changed

    def values(self, rows: Mapping[Key, Row | None]) -> dict[Key, Sequence[Any] | None]:
        """Return the judged values of ``rows``; raise UnstorableState."""
        return {key: None if row is None else self.shape.values(key, row) for key, row in rows.items()}

    def write(self, changes: Changes, using: str) -> None:
        """Write all rows that were touched."""
        table_of(self.shape, using).store(changes.values, changes.existing)


def _text(part: Any) -> str:
    """Return the same text for 1.5 and 1.50, and for one moment in two time zones: they are one row."""
    if isinstance(part, Decimal | float):
        return str(part.as_integer_ratio())
    if isinstance(part, datetime) and part.tzinfo is not None:
        return str(part.astimezone(UTC))
    return str(part)

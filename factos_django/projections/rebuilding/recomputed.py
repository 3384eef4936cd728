"""Folding a keyed projection again: rows in memory, and beside the live ones where they outgrow it."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

from factos_django.conf import conf
from factos_django.core.errors import RebuildFailed, UnstorableState
from factos_django.core.event import Recorded
from factos_django.projections.keyed import KeyedRows
from factos_django.projections.rebuilding.staging import Staging
from factos_django.projections.rows.shape import Key, Row

__all__ = ["Recomputed"]

#: Of a row, beside what it holds (bytes): entries of dictionaries, a tuple, a position.
_OVERHEAD = 320
#: Rows whose size is looked at.
_SAMPLE = 200


class Recomputed:
    """The rows that the folded facts make.

    Args:
        feed: How they are folded.
        staging: Where rows go when they outgrow FACTOS_REBUILD_MEMORY_BYTES, and in the end.
        only: The keys that are wanted; None for all.
        judges: Whether each state has to be one that can be stored, so that its fact is parked otherwise. It
            takes time, and without it only what is stored in the end is judged.
    """

    def __init__(
        self, feed: KeyedRows, staging: Staging, only: frozenset[Key] | None, *, judges: bool
    ) -> None:
        self._feed = feed
        self._staging = staging
        self._only = only
        self._judges = judges
        #: Of the rows that are in memory: what they are, and which of them are in the staging table.
        self._rows: dict[Key, Row | None] = {}
        self._staged: set[Key] = set()
        self._has_staged = False
        #: The keys of what was folded since somebody began to look.
        self.touched: set[Key] | None = None

    def fold_page(self, recorded: Sequence[Recorded[Any]]) -> tuple[int, Exception] | None:
        """Fold ``recorded``, or those before the first that cannot be; return its place and the error."""
        self._make_room()
        if self._has_staged:
            self._load(recorded)
        fold = self._fold_one_row if self._is_usual() else self._fold_rows
        return fold(recorded)

    def _is_usual(self) -> bool:
        looked_at = self._judges or self._only is not None or self.touched is not None
        return self._feed.key_of is not None and not looked_at

    def _fold_one_row(self, recorded: Sequence[Recorded[Any]]) -> tuple[int, Exception] | None:
        """Do the usual case, of a fact that changes one row: here the time of a rebuild is spent."""
        rows, feed = self._rows, self._feed
        key_of, evolve, start, get, canonical = feed.key_of, feed.evolve, feed.start, rows.get, feed.shape.key
        assert key_of is not None
        for place, each in enumerate(recorded):
            try:
                key = key_of(each)
                if (row := get(key)) is None:  # what equals a known key is that key, in its one form
                    if key is None:
                        continue
                    row = get(key := canonical(key))
                state = evolve(start(key) if row is None else row[0], each)
            except Exception as error:
                return place, error
            rows[key] = None if state is None else (state, each.position)
        return None

    def _fold_rows(self, recorded: Sequence[Recorded[Any]]) -> tuple[int, Exception] | None:
        for place, each in enumerate(recorded):
            try:
                changed = self._feed.folded(each, self._keys(each), self._rows)
                if self._judges:
                    self._feed.values(changed)
                self._rows.update(changed)
            except Exception as error:
                return place, error
        return None

    def _make_room(self) -> None:
        if len(self._rows) * self._bytes_of_row() > conf.REBUILD_MEMORY_BYTES:
            self.flush()

    def flush(self) -> None:
        """Move all rows to the staging table; raise RebuildFailed where one cannot be stored."""
        rows, self._rows = self._rows, {}
        staged, self._staged = self._staged, set()
        try:
            self._store(rows, staged)
        except UnstorableState as error:
            position = self._position_of_unstorable(rows)
            said = f"{type(error).__name__}: {error}"
            raise RebuildFailed(name=self._feed.shape.name, position=position, error=said) from error

    def _store(self, rows: dict[Key, Row | None], staged: set[Key]) -> None:
        if self._has_staged:
            self._staging.table.write(rows, staged)
        else:
            self._staging.fill((key, row) for key, row in rows.items() if row is not None)
            self._staging.index()
            self._has_staged = True

    def _position_of_unstorable(self, rows: dict[Key, Row | None]) -> int:
        """Return the position of the last fact of the first row that cannot be stored."""
        for key, row in rows.items():
            try:
                if row is not None:
                    self._feed.shape.values(key, row)
            except UnstorableState:
                assert row is not None
                return row[1]
        raise AssertionError("all rows can be stored")

    def forget(self) -> None:
        """Forget what was folded since the last ``flush``, and what was flushed is rolled back."""
        self._rows, self._staged, self.touched = {}, set(), None

    def keys_of(self, recorded: Iterable[Recorded[Any]]) -> set[Key]:
        """Return the keys of the rows that ``recorded`` change; those that cannot be told are left out."""
        keys: set[Key] = set()
        for each in recorded:
            try:
                keys.update(self._keys(each))
            except Exception:  # the fold tells it
                continue
        return keys

    def _keys(self, recorded: Recorded[Any]) -> Sequence[Key]:
        keys: Sequence[Key] = self._feed.keys(recorded)
        if self._only is not None:
            keys = [key for key in keys if key in self._only]
        if self.touched is not None:
            self.touched.update(keys)
        return keys

    def _load(self, recorded: Sequence[Recorded[Any]]) -> None:
        """Fetch the rows that ``recorded`` change from the staging table."""
        wanted = self.keys_of(recorded) - self._rows.keys()
        found = self._staging.table.load(wanted)
        self._rows.update(found)
        self._staged.update(found)

    def _bytes_of_row(self) -> float:
        sample = list(islice(self._rows.items(), _SAMPLE))
        return sum(map(_bytes_of, sample)) / max(1, len(sample)) + _OVERHEAD


def _bytes_of(item: tuple[Key, Row | None]) -> int:
    key, row = item
    if row is None:
        return sys.getsizeof(key)
    state = row[0]
    names = getattr(state, "__slots__", None) or list(vars(state))
    values = [getattr(state, name, None) for name in names]
    return sum(map(sys.getsizeof, (key, state, *values)))

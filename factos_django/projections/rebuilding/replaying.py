"""Reading history to fold it again, in pages, with the policy for events that cannot be folded."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeAlias

from django.db import connections

from factos_django.core.errors import RebuildFailed
from factos_django.core.event import Recorded
from factos_django.core.query import Query
from factos_django.projections.declaration import Projection
from factos_django.projections.failures import Failure, is_transient
from factos_django.projections.parking import parked_positions
from factos_django.projections.rebuilding import runs
from factos_django.projections.rebuilding.runs import Run
from factos_django.store.matching import Slice
from factos_django.store.narrowing import narrowest_first
from factos_django.store.rows import EventRow, Row, recorded_of, select_matching
from factos_django.store.transactions import owns_transaction

__all__ = ["Fold", "Progress", "Replay", "pages"]

#: Folds events in order; returns the place of the first that it cannot, and the error.
Fold: TypeAlias = Callable[[Sequence[Recorded[Any]]], tuple[int, Exception] | None]
#: Gets how many events were folded, up to which position, and where the end is.
Progress: TypeAlias = Callable[[int, int, int], None]
#: A position, how many events were folded, and how many were parked.
Place: TypeAlias = tuple[int, int, int]

#: How often a run says how far it is (seconds).
_REPORT_EVERY = 1.0


@dataclass(frozen=True, slots=True)
class Page:
    """Some events as they are stored, in order, and the position up to which there are no others."""

    rows: Sequence[Row]
    position: int


def pages(query: Query, using: str, *, after: int, upto: int, size: int) -> Iterator[Page]:
    """Yield what matches in (after, upto], ``size`` rows at a time; nothing stays open in between."""
    query = narrowest_first(query, using)
    while after < upto:
        page = _page(query, using, Slice(after=after, upto=upto, limit=size))
        after = page.position
        yield page


def pages_ahead(query: Query, using: str, *, after: int, upto: int, size: int) -> Iterator[Page]:
    """Yield the same, each page fetched over a connection of its own while the one before is worked on.

    It sees what is committed, so what the open transaction has written is not among it.
    """
    query = narrowest_first(query, using)
    with ThreadPoolExecutor(1, thread_name_prefix="factos-replay") as other:
        try:
            page = _page(query, using, Slice(after=after, upto=upto, limit=size))
            while page.position < upto:
                part = Slice(after=page.position, upto=upto, limit=size)
                following = other.submit(_page, query, using, part)
                yield page
                page = following.result()
            yield page
        finally:
            other.submit(lambda: connections[using].close()).result()


def _page(query: Query, using: str, part: Slice) -> Page:
    rows = select_matching(query, part, using)
    assert part.limit is not None
    assert part.upto is not None
    return Page(rows, rows[-1][0] if len(rows) == part.limit else part.upto)


def _can_fetch_ahead(using: str) -> bool:
    """Tell whether another connection sees the same: no transaction is open, and there is a server."""
    return connections[using].vendor != "sqlite" and owns_transaction(using)


class Replay:
    """One pass over the events of a projection.

    Attributes:
        position: Up to which all of them are folded.
        events: How many were.
        failures: Those that were parked.
    """

    def __init__(
        self, projection: Projection, run: Run, fold: Fold, *, size: int, progress: Progress | None
    ) -> None:
        self.position = 0
        self.events = 0
        self.failures: list[Failure] = []
        self._projection = projection
        self._run = run
        self._fold = fold
        self._size = size
        self._progress = progress
        self._by_hand = {
            position for position, by_hand in parked_positions(projection.name, run.using).items() if by_hand
        }
        self._reported = time.monotonic()

    def go_on(self, upto: int) -> None:
        """Fold what matches up to ``upto``; raise RebuildFailed, or LeaseLost.

        It never goes back: the stable head can.
        """
        if upto <= self.position:
            return
        using = self._run.using
        fetched = pages_ahead if _can_fetch_ahead(using) else pages
        for page in fetched(self._projection.query, using, after=self.position, upto=upto, size=self._size):
            self._fold_all(page.rows)
            self.position = page.position
            self.events += len(page.rows)
            self._report(upto)

    def place(self) -> Place:
        """Return where it stands, for ``go_back``."""
        return self.position, self.events, len(self.failures)

    def go_back(self, place: Place) -> None:
        """Stand there again; whoever has folded what came since has forgotten it."""
        self.position, self.events, failures = place
        del self.failures[failures:]

    def _fold_all(self, rows: Sequence[Row]) -> None:
        while rows:
            recorded, broken = self._decoded(rows)
            failed = self._fold(recorded) or broken
            if failed is None:
                return
            place, error = failed
            self._fail(error, EventRow._make(rows[place]))
            rows = rows[place + 1 :]

    def _decoded(self, rows: Sequence[Row]) -> tuple[list[Recorded[Any]], tuple[int, Exception] | None]:
        recorded: list[Recorded[Any]] = []
        try:
            recorded.extend(recorded_of(rows, self._run.using))
        except Exception as error:
            # extend() keeps what came before the error.
            return recorded, (len(recorded), error)
        return recorded, None

    def _fail(self, error: Exception, row: EventRow) -> None:
        if is_transient(error, self._run.using):
            raise error
        failure = Failure.at(error, row.position, row.uuid)
        if self._projection.on_error == "stop" and row.position not in self._by_hand:
            name = self._projection.name
            raise RebuildFailed(name=name, position=row.position, error=failure.error) from error
        self.failures.append(failure)

    def _report(self, upto: int) -> None:
        if self._progress is not None:
            self._progress(self.events, self.position, upto)
        if time.monotonic() - self._reported >= _REPORT_EVERY:
            self._reported = time.monotonic()
            runs.report(self._run, position=self.position, head=upto, events=self.events)

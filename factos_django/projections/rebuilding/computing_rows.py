"""Computing a keyed projection again, beside its live rows, and putting the difference in place.

1. What stands below the stable head is folded into a staging table, while appends go on.
2. The keys of rows that differ are named.
3. In one short transaction what came meanwhile is folded too, and the named rows are put right.

The live rows of an inline projection hold facts above the stable head: its step 3 is alone in the log (it
holds the gate) and reads everything that is visible. What step 2 did not name was right then, and whatever
has changed it since is folded by step 3, which names it. The live rows of an asynchronous one stand at its
checkpoint, which is held from step 2 on; step 3 brings both to the head. A check goes to where the live
rows stand, and rolls back.

Where an open append keeps step 3 from the log for longer than an append itself would wait, it gives way to
those who wait behind it, goes back to step 1, and tries again later.
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, replace

from django.db import Error, transaction

from factos_django.core.errors import RetryTransaction, StoreBusy
from factos_django.core.query import Query, QueryItem
from factos_django.guards.log import LogGuardByRow
from factos_django.projections import states
from factos_django.projections.declaration import Projection
from factos_django.projections.keyed import KeyedRows
from factos_django.projections.parking import parked_positions, replace_parked
from factos_django.projections.rebuilding import difference, runs
from factos_django.projections.rebuilding.computed import Computed
from factos_django.projections.rebuilding.recomputed import Recomputed
from factos_django.projections.rebuilding.replaying import Progress, Replay, pages
from factos_django.projections.rebuilding.runs import Run
from factos_django.projections.rebuilding.staging import Staging
from factos_django.projections.rebuilding.swap_transaction import swap_transaction
from factos_django.projections.rows.shape import Key
from factos_django.store.heads import head, highest_position
from factos_django.store.rows import recorded_of
from factos_django.store.transactions import owns_transaction

__all__ = ["rebuild_rows"]

#: Rows that a check shows.
_SHOWN = 10
#: Events that may be left for the transaction that others wait for.
_FEW = 1_000
#: Pauses after each time that this transaction was not let through, or broken off (seconds).
_PAUSES = (1.0, 2.0, 4.0, 8.0, 16.0)


def rebuild_rows(
    projection: Projection,
    feed: KeyedRows,
    run: Run,
    *,
    checks: bool,
    tag: str | None,
    size: int,
    progress: Progress | None,
) -> Computed:
    """Compute the rows of ``projection`` again; compare them (``checks``), or put them in place.

    With ``tag``, those rows only that some fact with this tag changes.
    """
    staging = Staging(feed.shape, run)
    only = None if tag is None else _keys_of_tag(projection, feed, tag, run.using, size)
    parks = projection.on_error == "park" or bool(parked_positions(projection.name, run.using))
    recomputed = Recomputed(feed, staging, only, judges=parks)
    replay = Replay(projection, run, recomputed.fold_page, size=size, progress=progress)
    rebuilding = _Rebuilding(projection, run, staging, recomputed, replay, only, checks)
    staging.make()
    try:
        rebuilding.stage()
        return rebuilding.put_in_place()
    finally:
        with suppress(Error):  # of a connection that is lost; the next run removes them
            staging.remove()


@dataclass(frozen=True, slots=True)
class _Rebuilding:
    projection: Projection
    run: Run
    staging: Staging
    recomputed: Recomputed
    replay: Replay
    only: frozenset[Key] | None
    checks: bool

    @property
    def stays(self) -> bool:
        """Whether the live rows stay where they stand: most of them, or all, are not put in place."""
        return self.checks or self.only is not None

    def stage(self) -> None:
        """Fold what is below the head, until little comes meanwhile, or no less than before."""
        came, before = self._fold_reachable(), 0
        while came > _FEW and (not before or came < before / 2):
            came, before = self._fold_reachable(), came
        self.recomputed.flush()
        self.staging.analyze()

    def _fold_reachable(self) -> int:
        before = self.replay.events
        self.replay.go_on(self._reachable())
        return self.replay.events - before

    def put_in_place(self) -> Computed:
        """Bring both to one position, and take the difference; try it again where others were in the way."""
        for pause in _PAUSES if owns_transaction(self.run.using) else ():
            with suppress(StoreBusy, RetryTransaction):
                return self._try_swap()
            time.sleep(pause)
            self.stage()
        return self._try_swap()

    def _try_swap(self) -> Computed:
        """Do it, or leave everything as it was: the staging table, and what was folded into it."""
        place = self.replay.place()
        try:
            return self._swap()
        except Exception:
            self.recomputed.forget()
            self.replay.go_back(place)
            raise

    def _swap(self) -> Computed:
        using, inline = self.run.using, self.projection.inline
        if inline:
            self._name_rows()
        with states.held_by_us(self.projection, using), swap_transaction(using):
            runs.hold(self.run)
            held, position = time.monotonic(), self._hold()
            if not inline:
                self._name_rows()
            self._fold_the_rest(position)
            outcome = self._compared(position)
            if self.checks:
                transaction.set_rollback(True, using=using)
            else:
                self._apply(position)
        return replace(outcome, seconds_held=time.monotonic() - held)

    def _reachable(self) -> int:
        """Return up to where all live rows that are compared will surely stand."""
        stable = head(self.run.using)
        if self.projection.inline or not self.stays:
            return stable
        return min(stable, states.checkpoint(self.projection.name, self.run.using))

    def _hold(self) -> int:
        """Let nothing change the live rows any more; return the position that both are brought to."""
        if self.projection.inline:
            LogGuardByRow().hold(self.run.using)
            return highest_position(self.run.using)
        stands = states.hold(self.projection.name, self.run.using)
        if self.stays:
            return stands
        return max(stands, self.replay.position, head(self.run.using))  # the head can have gone back

    def _name_rows(self) -> None:
        if self.only is None:
            difference.mark(self.staging)
        else:
            self.staging.add_keys(self.only)

    def _fold_the_rest(self, position: int) -> None:
        self.recomputed.touched = set()
        self.replay.go_on(position)
        self.recomputed.flush()
        self.staging.add_keys(self.recomputed.touched)

    def _compared(self, position: int) -> Computed:
        counts = difference.counted(self.staging)
        shown = difference.sample(self.staging, _SHOWN) if self.checks and counts.all else []
        return Computed(
            name=self.projection.name,
            checked=self.checks,
            events=self.replay.events,
            position=position,
            counts=counts,
            sample=tuple(shown),
            parked=len(self.replay.failures),
        )

    def _apply(self, position: int) -> None:
        difference.apply(self.staging)
        if self.only is None:
            replace_parked(self.projection.name, self.replay.failures, self.run.using)
            states.set_rebuilt(self.projection, position, self.run.using)


def _keys_of_tag(projection: Projection, feed: KeyedRows, tag: str, using: str, size: int) -> frozenset[Key]:
    """Return the keys of all rows that a fact with ``tag`` has ever changed."""
    query = _with_tag(projection.query, tag)
    keys: set[Key] = set()
    for page in pages(query, using, after=0, upto=head(using), size=size):
        for row in page.rows:
            with suppress(Exception):  # what cannot be folded has changed no row, and the replay tells it
                keys.update(feed.keys(next(recorded_of([row], using))))
    return frozenset(keys)


def _with_tag(query: Query, tag: str) -> Query:
    if query.everything:
        return Query.of(QueryItem(tags=[tag]))
    return Query.of(*(QueryItem(item.types, dict.fromkeys([*item.tags, tag])) for item in query.items))

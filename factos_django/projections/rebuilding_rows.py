"""Computing a keyed projection again, beside its live rows, and putting the difference in place.

1. What stands below the stable head is folded into a staging table, while appends go on.
2. The keys of rows that differ are named.
3. In one short transaction what came meanwhile is folded too, and the named rows are put right.

The live rows of an inline projection hold facts above the stable head: its step 3 is alone in the log (it
holds the gate) and reads everything that is visible. What step 2 did not name was right then, and whatever
has changed it since is folded by step 3, which names it. The live rows of an asynchronous one stand at its
checkpoint, which is held from step 2 on; step 3 brings both to the head. A check goes to where the live
rows stand, and rolls back.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from django.db import transaction

from factos_django.core.query import Query, QueryItem
from factos_django.guards.log import LogGuardByRow
from factos_django.projections import difference, runs, states
from factos_django.projections.declaration import Projection
from factos_django.projections.keyed import KeyedRows
from factos_django.projections.outcome import Outcome
from factos_django.projections.parking import replace_parked
from factos_django.projections.recomputed import Recomputed
from factos_django.projections.replaying import Progress, Replay, pages
from factos_django.projections.runs import Run
from factos_django.projections.shape import Key
from factos_django.projections.staging import Staging
from factos_django.store.heads import head, highest_position
from factos_django.store.rows import recorded_of
from factos_django.store.transactions import guarded_work

__all__ = ["rebuild_rows"]

#: Rows that a check shows.
_SHOWN = 10


def rebuild_rows(
    projection: Projection,
    feed: KeyedRows,
    run: Run,
    *,
    checks: bool,
    tag: str | None,
    size: int,
    progress: Progress | None,
) -> Outcome:
    """Compute the rows of ``projection`` again; compare them (``checks``), or put them in place.

    With ``tag``, those rows only that some fact with this tag changes.
    """
    staging = Staging(feed.shape, run)
    only = None if tag is None else _keys_of_tag(projection, feed, tag, run.using, size)
    recomputed = Recomputed(feed, staging, only)
    replay = Replay(projection, run, recomputed.fold_page, size=size, progress=progress)
    rebuilding = _Rebuilding(projection, run, staging, recomputed, replay, only, checks)
    staging.make()
    try:
        rebuilding.stage(size)
        return rebuilding.put_in_place()
    finally:
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

    def stage(self, size: int) -> None:
        """Fold what is below the head, until little comes meanwhile."""
        came = size
        while came >= size:
            before = self.replay.events
            self.replay.go_on(self._reachable())
            came = self.replay.events - before
        self.recomputed.flush()
        self.staging.analyze()

    def put_in_place(self) -> Outcome:
        """Bring both to one position, and take the difference."""
        using, inline = self.run.using, self.projection.inline
        if inline:
            self._name_rows()
        with states.held_by_us(self.projection, using), guarded_work(using):
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
        return stands if self.stays else max(stands, head(self.run.using))

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

    def _compared(self, position: int) -> Outcome:
        counts = difference.counted(self.staging)
        shown = difference.sample(self.staging, _SHOWN) if self.checks and counts.all else []
        return Outcome(
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
        for recorded in recorded_of(page.rows, using):
            keys.update(feed.keys(recorded))
    return frozenset(keys)


def _with_tag(query: Query, tag: str) -> Query:
    if query.everything:
        return Query.of(QueryItem(tags=[tag]))
    return Query.of(*(QueryItem(item.types, dict.fromkeys([*item.tags, tag])) for item in query.items))

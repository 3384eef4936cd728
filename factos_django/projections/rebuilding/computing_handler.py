"""Computing the tables of a handler again.

Only the handler knows what it writes, so its tables are emptied and it is called for every fact, in one
transaction: readers see the old rows until it commits, and what breaks off leaves them as they were. As
long as it takes, an asynchronous one stands still, and appends of facts that an inline one handles wait. A
check does the same, and rolls back.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from django.db import transaction

from factos_django.core.event import Recorded
from factos_django.guards import hold_rows
from factos_django.projections import states
from factos_django.projections.declaration import Projection
from factos_django.projections.handler import Handler
from factos_django.projections.parking import replace_parked
from factos_django.projections.rebuilding import runs
from factos_django.projections.rebuilding.computed import Computed
from factos_django.projections.rebuilding.kept_tables import KeptTables
from factos_django.projections.rebuilding.replaying import Fold, Progress, Replay
from factos_django.projections.rebuilding.runs import Run
from factos_django.projections.rebuilding.swap_transaction import swap_transaction
from factos_django.store.heads import head, highest_position

__all__ = ["rebuild_handler"]


def rebuild_handler(
    projection: Projection, handler: Handler, run: Run, *, checks: bool, size: int, progress: Progress | None
) -> Computed:
    """Let ``handler`` write its tables again; compare them (``checks``), or keep what it wrote."""
    using = run.using
    replay = Replay(projection, run, _fold_by(handler, using), size=size, progress=progress)
    kept = KeptTables(handler.models, using)
    with states.held_by_us(projection, using), swap_transaction(using):
        runs.hold(run)
        begun, position = time.monotonic(), _hold(projection, using, stays=checks)
        kept.keep()
        kept.empty()
        replay.go_on(position)
        counts = kept.compared()
        kept.forget()
        if checks:
            transaction.set_rollback(True, using=using)
        else:
            replace_parked(projection.name, replay.failures, using)
            states.set_rebuilt(projection, position, using)
    return Computed(
        name=projection.name,
        checked=checks,
        events=replay.events,
        position=position,
        counts=counts,
        parked=len(replay.failures),
        seconds_held=time.monotonic() - begun,
    )


def _hold(projection: Projection, using: str, *, stays: bool) -> int:
    if projection.inline:
        hold_rows(list(projection.row_names()), using)
        return highest_position(using)
    stands = states.hold(projection.name, using)
    return stands if stays else max(stands, head(using))


def _fold_by(handler: Handler, using: str) -> Fold:
    """Return what calls ``handler`` for events, each of which it handles wholly or not at all."""

    def fold(recorded: Sequence[Recorded[Any]]) -> tuple[int, Exception] | None:
        if _write(handler, recorded, using) is None:
            return None
        for place, each in enumerate(recorded):  # to find the event, and to keep those before it
            if (error := _write(handler, [each], using)) is not None:
                return place, error
        return None

    return fold


def _write(handler: Handler, recorded: Sequence[Recorded[Any]], using: str) -> Exception | None:
    try:
        with transaction.atomic(using=using):
            handler.write(recorded, using)
    except Exception as error:
        return error
    return None

"""Computing projections again, and checking that their rows are what the facts say (G7)."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

from django.db import Error, connections

from factos_django.core.errors import InsideTransaction, InvalidBatchSize, InvalidQuery, LeaseLost
from factos_django.projections.declaration import Projection
from factos_django.projections.handler import Handler
from factos_django.projections.keyed import KeyedRows
from factos_django.projections.notices import tell_rebuilt
from factos_django.projections.rebuilding import runs
from factos_django.projections.rebuilding.collecting import rare_collections
from factos_django.projections.rebuilding.computed import Computed
from factos_django.projections.rebuilding.computing_handler import rebuild_handler
from factos_django.projections.rebuilding.computing_rows import rebuild_rows
from factos_django.projections.rebuilding.ending import broken_off, done
from factos_django.projections.rebuilding.replaying import Progress
from factos_django.projections.rebuilding.runs import Run
from factos_django.projections.selection import here
from factos_django.projections.states import ensure_states
from factos_django.store.database import database_for_writing
from factos_django.store.transactions import explaining, is_testcase, owns_transaction

__all__ = ["check", "rebuild"]

#: Events that are read, and folded, at a time.
_PAGE = 5_000


def rebuild(
    name: str,
    *,
    tag: str | None = None,
    batch_size: int = _PAGE,
    progress: Progress | None = None,
    using: str | None = None,
) -> Computed:
    """Compute the rows of the projection ``name`` from its facts, and put in place what differs.

    Its table is never empty meanwhile, and appends go on. Broken off, it leaves the table as it was.

    Args:
        name: Of the projection.
        tag: Only the rows that some fact with this tag has changed; not for a handler.
        batch_size: Events that are read and folded at a time.
        progress: Told, now and then, how many events are folded, up to which position, and the head.
        using: The alias of the database.

    Raises:
        UnknownProjection, ProjectionElsewhere, RebuildRunning, RebuildFailed: They say what to do.
        LeaseLost: It was silent for longer than FACTOS_FOLLOW_LEASE_SECONDS, and somebody else took over.
        StoreBusy: Appends held the log for too long, again and again.
        InsideTransaction: It commits as it goes.
    """
    return _computed(name, using, checks=False, tag=tag, size=batch_size, progress=progress)


def check(
    name: str,
    *,
    tag: str | None = None,
    batch_size: int = _PAGE,
    progress: Progress | None = None,
    using: str | None = None,
) -> Computed:
    """Compute the rows of ``name`` again and compare them with those that are there; write nothing.

    Args and errors are those of ``rebuild``. It finds, too, what is not deterministic in a projection.
    """
    return _computed(name, using, checks=True, tag=tag, size=batch_size, progress=progress)


def _computed(
    name: str, using: str | None, *, checks: bool, tag: str | None, size: int, progress: Progress | None
) -> Computed:
    alias = database_for_writing(using)
    projection = here(name, alias)
    if isinstance(size, bool) or not isinstance(size, int) or size < 1:
        raise InvalidBatchSize(size=size)
    _refuse_nesting("check" if checks else "rebuild", alias)
    ensure_states([projection], alias)
    begun = time.monotonic()
    with explaining(alias), rare_collections():
        run = runs.begin(name, alias, checks=checks, tag=tag)
        outcome = _recorded(
            run, lambda: _by_feed(projection, run, checks=checks, tag=tag, size=size, progress=progress)
        )
    if not checks:
        tell_rebuilt(name, outcome.counts.all, alias)
    return replace(outcome, seconds=time.monotonic() - begun)


def _by_feed(
    projection: Projection, run: Run, *, checks: bool, tag: str | None, size: int, progress: Progress | None
) -> Computed:
    feed = projection.feed
    if isinstance(feed, KeyedRows):
        return rebuild_rows(projection, feed, run, checks=checks, tag=tag, size=size, progress=progress)
    if tag is not None:
        reason = f"nobody knows which rows of the handler {projection.name!r} belong to a tag"
        raise InvalidQuery(reason=reason)
    assert isinstance(feed, Handler)  # there are no others
    return rebuild_handler(projection, feed, run, checks=checks, size=size, progress=progress)


def _recorded(run: Run, compute: Callable[[], Computed]) -> Computed:
    """Compute, and record what came of it."""
    try:
        outcome = compute()
    except BaseException as error:
        _end(run, **broken_off(error))
        # Whoever took over has removed our tables.
        if isinstance(error, Error) and not connections[run.using].needs_rollback and runs.is_lost(run):
            raise LeaseLost(name=run.name) from error
        raise
    _end(run, **done(outcome))
    return outcome


def _end(run: Run, **ended: Any) -> None:
    with suppress(Error):  # of a connection that is lost; then the claim ends by itself
        runs.end(run, **ended)


def _refuse_nesting(operation: str, using: str) -> None:
    in_testcase = is_testcase(using) and connections[using].features.can_rollback_ddl
    if not owns_transaction(using) and not in_testcase:
        advice = "it commits as it goes; call it outside"
        raise InsideTransaction(operation=operation, using=using, advice=advice)

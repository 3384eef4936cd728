"""What somebody who looks after projections can do about one that stopped."""

from __future__ import annotations

from django.db import transaction

from factos_django.core.errors import NothingToSkip, RebuildNeeded
from factos_django.core.position import checked_position
from factos_django.models import ProjectionState
from factos_django.projections import states
from factos_django.projections.declaration import Projection
from factos_django.projections.failures import Failure
from factos_django.projections.parking import park
from factos_django.projections.selection import here
from factos_django.store.announcing import WAKERS
from factos_django.store.database import database_for_writing
from factos_django.store.matching import Slice
from factos_django.store.rows import EventRow, select_matching

__all__ = ["leave_out", "resume", "skip"]


def resume(name: str, *, using: str | None = None) -> bool:
    """Let the projection ``name`` try again at once; return whether it had stopped, or was to wait.

    Raises:
        RebuildNeeded: It is inline and stopped: it has missed what was recorded since.
        UnknownProjection: No projection has this name.
    """
    alias = database_for_writing(using)
    _refuse_inline(here(name, alias), alias)
    resumed = states.resume(name, alias)
    _wake(alias)
    return resumed


def skip(name: str, *, using: str | None = None) -> Failure:
    """Let the projection ``name`` go on without the fact that it stopped at, which is parked; return why.

    Raises:
        NothingToSkip: It has not stopped at a fact.
        RebuildNeeded: It is inline and stopped: it has missed what was recorded since.
        UnknownProjection: No projection has this name.
    """
    alias = database_for_writing(using)
    _refuse_inline(here(name, alias), alias)
    with transaction.atomic(using=alias):
        failure = states.skip(name, alias)
        if failure is None:
            raise NothingToSkip(name=name)
        park(name, failure, alias, by_hand=True)
    _wake(alias)
    return failure


def leave_out(name: str, position: int, *, using: str | None = None) -> Failure:
    """Let a rebuild of ``name`` go on without the fact at ``position`` if it cannot be folded; return it.

    Until then nothing changes. It is the way on for an inline projection that stopped, and where a rebuild
    failed at a fact that the live rows have long passed.

    Raises:
        NothingToSkip: No fact of its query is there.
        UnknownProjection: No projection has this name.
    """
    alias = database_for_writing(using)
    part = Slice(after=checked_position(position) - 1, upto=position)
    rows = select_matching(here(name, alias).query, part, alias)
    if not rows:
        raise NothingToSkip(name=name)
    failure = Failure(position, EventRow._make(rows[0]).uuid, "left out by hand", "")
    park(name, failure, alias, by_hand=True)
    return failure


def _refuse_inline(projection: Projection, using: str) -> None:
    state = states.state_of(projection.name, using) if projection.inline else None
    if state is not None and state.condition == ProjectionState.Condition.STOPPED:
        raise RebuildNeeded(name=projection.name)


def _wake(using: str) -> None:
    transaction.on_commit(lambda: [wake(using) for wake in WAKERS], using=using, robust=True)

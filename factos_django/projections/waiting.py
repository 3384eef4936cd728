"""Waiting until a projection has applied a fact."""

from __future__ import annotations

import math
import time

from factos_django.core.errors import (
    InsideTransaction,
    InvalidTimeout,
    ProjectionBehind,
    ProjectionStopped,
    RebuildNeeded,
)
from factos_django.core.position import checked_position
from factos_django.models import ProjectionState
from factos_django.projections.selection import here
from factos_django.projections.states import state_of
from factos_django.store.announcing import has_appended
from factos_django.store.database import database_for_writing

__all__ = ["wait_for"]

#: The pause after the first look, and the longest (seconds). It doubles in between.
_FIRST_PAUSE = 0.005
_LONGEST_PAUSE = 0.1

_ADVICE = "the fact is not committed, so no follower sees it; commit first"


def wait_for(name: str, position: int, timeout: float = 5.0, *, using: str | None = None) -> None:
    """Return once the projection ``name`` has applied every fact up to ``position``.

    An inline projection has, as soon as the append returned.

    Args:
        name: The projection.
        position: That of the last fact that matters; ``dispatch(...).position``.
        timeout: How long to wait (seconds); 0 looks once.
        using: The alias of the database.

    Raises:
        ProjectionBehind: It has not, within ``timeout``.
        RebuildNeeded: It was inline, and is not yet rebuilt.
        ProjectionStopped: It stopped before that position (an inline one: at all).
        InsideTransaction: The open transaction has appended, and it has not. (In a TestCase, where nothing
            commits, call ``catch_up`` first.)
        UnknownProjection: No projection has this name.
    """
    alias, wanted, seconds = database_for_writing(using), checked_position(position), _checked(timeout)
    projection = here(name, alias)
    if projection.inline:
        _refuse_stopped(state_of(name, alias))
    elif has_appended(alias) and _reached(name, wanted, alias) < wanted:
        raise InsideTransaction(operation="wait_for", using=alias, advice=_ADVICE)
    else:
        _wait(name, wanted, seconds, alias)


def _wait(name: str, position: int, seconds: float, using: str) -> None:
    deadline, pause = time.monotonic() + seconds, _FIRST_PAUSE
    while (reached := _reached(name, position, using)) < position:
        left = deadline - time.monotonic()
        if left <= 0:
            raise ProjectionBehind(name=name, position=position, reached=reached, seconds=seconds)
        time.sleep(min(pause, left))
        pause = min(pause * 2, _LONGEST_PAUSE)


def _reached(name: str, position: int, using: str) -> int:
    state = state_of(name, using)
    if state is None:  # before the first worker
        return 0
    if state.mode != "async":
        raise RebuildNeeded(name=name)
    if state.position < position:
        _refuse_stopped(state)
    return int(state.position)


def _refuse_stopped(state: ProjectionState | None) -> None:
    if state is not None and state.condition == ProjectionState.Condition.STOPPED:
        raise ProjectionStopped(name=state.name, position=state.failed_position, error=state.error)


def _checked(timeout: object) -> float:
    if isinstance(timeout, (int, float)) and not isinstance(timeout, bool) and 0 <= timeout < math.inf:
        return float(timeout)
    raise InvalidTimeout(timeout=timeout)

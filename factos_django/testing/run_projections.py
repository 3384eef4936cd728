"""Asynchronous projections in a test: they catch up here and now, in the connection of the test."""

from __future__ import annotations

from factos_django.core.errors import ProjectionStopped
from factos_django.models import ProjectionState
from factos_django.projections import catch_up
from factos_django.projections.catching_up import CaughtUp, Standing
from factos_django.projections.states import state_of
from factos_django.store.database import database_for_writing

__all__ = ["run_projections"]

_FINE = {Standing.CAUGHT_UP, Standing.INLINE}


def run_projections(*names: str, raising: bool = True, using: str | None = None) -> tuple[CaughtUp, ...]:
    """Apply to asynchronous projections what they have not, as a follower would, and return how each stands.

    In a ``TestCase`` that includes the facts of this test, which nobody else sees, and its rows are rolled
    back with them.

    Args:
        names: Which projections; by default all that are asynchronous.
        raising: Whether one that could not catch up fails the test.
        using: The alias of the database.

    Raises:
        ProjectionStopped: One could not fold a fact. Where it failed is in its notes.
        AssertionError: One could not catch up for another reason: it needs a rebuild, or failed by something
            that may pass.
        UnknownProjection: No projection has this name.
        ProjectionElsewhere: A named one has no table in this database.
    """
    alias = database_for_writing(using)
    done = catch_up(*names, using=alias)
    if raising:
        for each in done:
            _refuse_failed(each, state_of(each.name, alias))
    return done


def _refuse_failed(done: CaughtUp, state: ProjectionState | None) -> None:
    if state is not None and state.condition == ProjectionState.Condition.STOPPED:
        stopped = ProjectionStopped(name=done.name, position=state.failed_position, error=state.error)
        stopped.add_note(state.traceback)
        raise stopped
    if done.standing not in _FINE:
        reason = f": {state.error}" if state is not None and state.error else ""
        raise AssertionError(f"projection {done.name} could not catch up: {done.standing.value}{reason}")

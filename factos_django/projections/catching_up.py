"""Catching up: asynchronous projections apply what they have not, here and now."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from factos_django.models import ProjectionState
from factos_django.projections.declaration import Projection
from factos_django.projections.following import Outcome, Turn, behind, follow
from factos_django.projections.selection import selected
from factos_django.projections.states import ensure_states, state_of
from factos_django.store.database import database_for_writing
from factos_django.store.heads import head

__all__ = ["CaughtUp", "Standing", "catch_up"]


class Standing(Enum):
    """How a projection stands once this process has done for it what it could."""

    CAUGHT_UP = "caught up"
    """It has applied every fact up to the head."""
    INLINE = "inline"
    """Its rows are written with the facts: there is nothing to catch up with."""
    STOPPED = "stopped"
    """It stopped at an event; the reason is on record."""
    PUT_OFF = "put off"
    """Something failed that may pass; it is to be tried again later."""
    BUSY = "busy"
    """Another worker is catching up."""
    NEEDS_REBUILD = "needs rebuild"
    """Its rows were written inline: where a follower would begin, nobody knows."""
    OUTDATED = "outdated"
    """Its rows are of a newer version than this process knows, which wrote nothing."""


@dataclass(frozen=True, slots=True)
class CaughtUp:
    """What came of it for one projection.

    Attributes:
        name: Its name.
        events: How many facts were applied.
        position: Its checkpoint; of an inline one, the head.
        standing: How it stands.
    """

    name: str
    events: int
    position: int
    standing: Standing


def catch_up(*names: str, using: str | None = None) -> tuple[CaughtUp, ...]:
    """Apply to asynchronous projections what they have not, up to the head, and return how each stands.

    It works in batches, each in a transaction of its own, or in savepoints of the caller's. A fact that
    cannot be folded raises nothing here: its projection stops, or parks it, and the others go on.

    Args:
        names: Which projections; by default all that are asynchronous.
        using: The alias of the database.

    Raises:
        UnknownProjection: No projection has this name.
        ProjectionElsewhere: A named one has no table in this database.
    """
    alias = database_for_writing(using)
    chosen = selected(names, alias)
    ensure_states(chosen, alias)
    return tuple(_caught_up(each, alias) for each in chosen)


def _caught_up(projection: Projection, using: str) -> CaughtUp:
    if projection.inline:
        return CaughtUp(projection.name, 0, head(using), Standing.INLINE)
    events, turn = 0, Turn(Outcome.CAUGHT_UP)
    # Once more after the lease was given back: whoever was woken by a later fact found it taken, and left.
    while turn.outcome is Outcome.CAUGHT_UP and behind([projection], using):
        turn = follow(projection, using)
        events += turn.events
    state = state_of(projection.name, using)
    position = state.position if state else 0
    return CaughtUp(projection.name, events, position, _standing(turn, state))


_STANDINGS = {
    Outcome.CAUGHT_UP: Standing.CAUGHT_UP,
    Outcome.STOPPED: Standing.STOPPED,
    Outcome.PUT_OFF: Standing.PUT_OFF,
    Outcome.OUTDATED: Standing.OUTDATED,
}


def _standing(turn: Turn, state: ProjectionState | None) -> Standing:
    if state is not None and state.condition == ProjectionState.Condition.STOPPED:
        return Standing.STOPPED
    if state is not None and state.mode != "async":
        return Standing.NEEDS_REBUILD
    if turn.outcome is Outcome.BUSY and state is not None and state.retry_at is not None:
        return Standing.PUT_OFF
    return _STANDINGS.get(turn.outcome, Standing.BUSY)

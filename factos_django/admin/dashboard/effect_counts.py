"""How many effects are in each state."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from factos_django.admin.dashboard.links import Links
from factos_django.admin.projections.durations import duration_in_words
from factos_django.admin.projections.numbers import counted
from factos_django.models import Effect
from factos_django.status import EffectCount, EffectsStatus

__all__ = ["EffectCounts", "StateCount", "effect_counts"]


@dataclass(frozen=True, slots=True)
class StateCount:
    """The effects of one state.

    Attributes:
        label: Its name in words.
        url: Of the list of these; empty where the site has none.
        effects: How many, in words.
        is_grave: Whether somebody has to look at them.
    """

    label: str
    url: str
    effects: str
    is_grave: bool


@dataclass(frozen=True, slots=True)
class EffectCounts:
    """All of them.

    Attributes:
        states: One for each state.
        due: For how long the oldest that is due has been due, in words; nothing where none is.
        dead_since: When the first of the dead died; None where there is none.
    """

    states: list[StateCount]
    due: str
    dead_since: datetime | None


def effect_counts(effects: EffectsStatus, links: Links) -> EffectCounts:
    """Return what the page says of ``effects``."""
    return EffectCounts(
        states=[_count(state, getattr(effects, state.value), links) for state in Effect.State],
        due=duration_in_words(effects.oldest_due_seconds) if effects.oldest_due_seconds else "",
        dead_since=effects.oldest_dead_since,
    )


def _count(state: Effect.State, count: EffectCount, links: Links) -> StateCount:
    is_grave = state == Effect.State.DEAD and count.effects > 0
    number = counted(count.effects, is_more=count.is_more)
    return StateCount(str(state.label), links.effects(state.value), number, is_grave)

"""The effects that a fact called for."""

from __future__ import annotations

from dataclasses import dataclass

from factos_django.effects.finding import EffectFilter, effects_matching
from factos_django.models import Effect, Event

__all__ = ["ProducedEffects", "effects_of"]

#: So many are shown (effects).
_MOST_EFFECTS = 50
_SHOWN = ("id", "name", "reactor", "state", "attempts", "available_at", "finished_at")


@dataclass(frozen=True, slots=True)
class ProducedEffects:
    """Some of the effects of a fact, in the order of who asked for them, and whether there are more."""

    effects: list[Effect]
    is_cut: bool


def effects_of(event: Event, using: str, *, with_data: bool) -> ProducedEffects:
    """Return the effects of ``event``; their errors, which may quote it, are read ``with_data`` alone."""
    columns = (*_SHOWN, "error") if with_data else _SHOWN
    found = effects_matching(EffectFilter(event_id=event.id), using=using).only(*columns)
    # In the order of their index, so that no more of them are read.
    rows = list(found.order_by("event_id", "reactor", "name", "key")[: _MOST_EFFECTS + 1])
    return ProducedEffects(rows[:_MOST_EFFECTS], is_cut=len(rows) > _MOST_EFFECTS)

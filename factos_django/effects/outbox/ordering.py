"""Effects with the same ordering key: delivered one after another, in the order of positions."""

from __future__ import annotations

from datetime import datetime

from factos_django.effects.announcing import Outgoing, announce_effects
from factos_django.models import Effect
from factos_django.store.heads import head

__all__ = ["is_at_front", "is_released", "let_next_go"]


def is_released(effect: Effect, using: str) -> bool:
    """Tell whether no effect before it can still appear: its position is at or below the stable head."""
    return effect.ordering_key is None or effect.position <= head(using)


def is_at_front(effect: Effect, using: str) -> bool:
    """Tell whether it waits for no other with its ordering key. Asked after ``is_released``."""
    if effect.ordering_key is None:
        return True
    first = _first_holding(effect.ordering_key, using)
    return first is None or (effect.position, effect.pk) <= (first.position, first.pk)


def let_next_go(effect: Effect, now: datetime, using: str) -> None:
    """Have the one behind ``effect`` published, now that this holds nobody back; in the open transaction."""
    if effect.ordering_key is None:
        return
    following = _first_holding(effect.ordering_key, using)
    if following is None or following.state != Effect.State.PENDING or following.available_at > now:
        return
    Effect.objects.using(using).filter(pk=following.pk, token=following.token).update(publish_at=now)
    announce_effects([Outgoing(following.pk, following.name)], using)


def _first_holding(ordering_key: str, using: str) -> Effect | None:
    """Return the foremost, which the index gives at once, however long the line is."""
    holding = Effect.objects.using(using).filter(ordering_key=ordering_key, holds=True)
    return holding.defer("data", "traceback").order_by("position", "pk").first()

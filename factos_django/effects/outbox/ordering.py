"""Effects with the same ordering key: delivered one after another, in the order of positions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from factos_django.effects.announcing import Outgoing, announce_effects
from factos_django.models import Effect
from factos_django.store.heads import head

__all__ = ["at_front", "is_at_front", "is_released", "let_next_go"]


def is_released(effect: Effect, using: str) -> bool:
    """Tell whether no effect before it can still appear: its position is at or below the stable head."""
    return effect.ordering_key is None or effect.position <= head(using)


def is_at_front(effect: Effect, using: str) -> bool:
    """Tell whether it waits for no other with its ordering key. Asked after ``is_released``."""
    return bool(at_front([effect], using))


def at_front(effects: Sequence[Effect], using: str) -> list[Effect]:
    """Return those that ``is_at_front`` is true of: one look for each ordering key."""
    keys = {each.ordering_key for each in effects if each.ordering_key is not None}
    fronts = {key: _first_holding(key, using) for key in keys}

    def is_first(effect: Effect) -> bool:
        first = fronts[effect.ordering_key] if effect.ordering_key is not None else None
        return first is None or (effect.position, effect.pk) <= (first.position, first.pk)

    return [each for each in effects if is_first(each)]


def let_next_go(effect: Effect, now: datetime, using: str) -> None:
    """Have the one behind ``effect`` published, now that this holds nobody back; in the open transaction."""
    if effect.ordering_key is None:
        return
    following = _first_holding(effect.ordering_key, using)
    while following is not None and following.state == Effect.State.PENDING and following.available_at <= now:
        if _let_go(following, using):
            announce_effects([Outgoing(following.pk, following.name)], using)
            return
        changed, following = following, _first_holding(effect.ordering_key, using)
        if following == changed:  # another has begun it, and it has failed since
            return


def _let_go(following: Effect, using: str) -> bool:
    """Let it be due before all that wait for others; return False where it is not what it was."""
    unchanged = Effect.objects.using(using).filter(pk=following.pk, token=following.token)
    return bool(unchanged.update(publish_at=following.available_at))


def _first_holding(ordering_key: str, using: str) -> Effect | None:
    """Return the foremost, which the index gives at once, however long the line is."""
    # A list of one: `holds=True` is written as a bare column, which SQLite does not look for in an index.
    holding = Effect.objects.using(using).filter(ordering_key=ordering_key, holds__in=[True])
    return holding.defer("data", "traceback").order_by("position", "pk").first()

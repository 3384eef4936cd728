"""Effects in a test: they are looked at, and delivered here and now, with no broker and no worker."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar, overload

from factos_django.core.delivery import Delivery
from factos_django.core.effect import EFFECT_TYPES
from factos_django.core.errors import UnknownEffectType
from factos_django.effects.delivering import Outcome, deliver
from factos_django.models import Effect
from factos_django.registry import HANDLERS
from factos_django.store.database import database_for_writing

__all__ = ["deliver_effects", "pending_effects"]

E = TypeVar("E")

#: Effects whose handlers cause effects, whose handlers cause effects: so often, and no more.
_GENERATIONS = 100


@overload
def pending_effects(effect_type: type[E], *, using: str | None = None) -> list[E]: ...
@overload
def pending_effects(effect_type: None = None, *, using: str | None = None) -> list[Any]: ...
def pending_effects(effect_type: type[Any] | None = None, *, using: str | None = None) -> list[Any]:
    """Return the effects that are neither delivered, nor dead, nor dropped, in the order of positions.

    Args:
        effect_type: Those of this type alone.
        using: The alias of the database.

    Raises:
        UnknownEffectType: ``effect_type`` is none.
        DecodeError: History and code disagree about an effect.
    """
    rows = _unfinished(effect_type, database_for_writing(using))
    return [_decoded(row) for row in rows]


def deliver_effects(
    effect_type: type[Any] | None = None, *, raising: bool = True, using: str | None = None
) -> list[Delivery]:
    """Let handlers deliver what is pending, and return the deliveries that succeeded, in their order.

    Each effect is attempted at most once a call, whatever its delay or backoff, in the order of positions;
    what waits for another with its ordering key is left. How it went is recorded as a worker records it. What
    handlers cause themselves is delivered, too. In a ``TestCase`` it sees the effects of this test.

    Args:
        effect_type: Those of this type alone.
        raising: Whether what a handler raises is raised here, once it is recorded; the rest stays pending.
        using: The alias of the database.

    Raises:
        UnknownEffectType: ``effect_type`` is none.
        InsideTransaction: The test has opened a transaction of its own.
        AssertionError: An effect has no handler (if ``raising``), or effects cause effects without end.
    """
    alias = database_for_writing(using)
    delivered: list[Delivery] = []
    seen: set[int] = set()
    for _ in range(_GENERATIONS):
        new = [row for row in _unfinished(effect_type, alias) if row.pk not in seen]
        if not new:
            return delivered
        seen.update(row.pk for row in new)
        delivered += _delivered(new, alias, raising=raising)
    raise AssertionError(f"effects caused effects {_GENERATIONS} times over, {new[0].name} among them")


def _delivered(rows: Iterable[Effect], using: str, *, raising: bool) -> Iterable[Delivery]:
    for row in rows:
        handler = HANDLERS.named(row.name)
        if handler is None:
            if raising:
                raise AssertionError(
                    f"no handler delivers {row.name}: does factos.py import its @effect_task?"
                )
            continue
        done = deliver(row.pk, handler, using, untimely=True)
        if raising and done.error is not None:
            raise done.error
        if done.outcome is Outcome.DELIVERED and done.delivery is not None:
            yield done.delivery


def _unfinished(effect_type: type[Any] | None, using: str) -> list[Effect]:
    rows = Effect.objects.using(using).filter(state__in=[Effect.State.PENDING, Effect.State.RUNNING])
    if effect_type is not None:
        rows = rows.filter(name=_name(effect_type))
    return list(rows.order_by("position", "pk"))


def _name(effect_type: type[Any]) -> str:
    found = EFFECT_TYPES.of(effect_type)
    if found is None:
        raise UnknownEffectType(cls=f"{effect_type.__module__}.{effect_type.__qualname__}")
    return found.name


def _decoded(row: Effect) -> Any:
    kind = EFFECT_TYPES.named(row.name)
    if kind is None:
        raise UnknownEffectType(cls=row.name)
    return kind.decode(row.version, row.data)

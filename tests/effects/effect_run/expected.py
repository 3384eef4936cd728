"""What the facts of a log call for, by the reactors and by the words of the documentation alone.

Nothing that writes the outbox is used: the key of an effect is computed here anew.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID, uuid5

from factos_django import Deliver, Recorded
from factos_django.models import Effect
from factos_django.registry import REACTORS
from factos_django.store import read
from tests.effects.effect_run.checker import Expected, Row
from tests.parcels.domain import PARCELS, Bill, ParcelSent

__all__ = ["expected_of", "facts_in", "rows_in"]

_NAMES = {"Notify": "parcels.Notify", "Bill": "parcels.Bill"}


def facts_in(using: str) -> list[Recorded[ParcelSent]]:
    """Return all parcels that were sent."""
    return list(read(PARCELS, using=using))


def expected_of(facts: Sequence[Recorded[ParcelSent]]) -> list[Expected]:
    """Return what they call for, in their order."""
    return [each for fact in facts for each in _expected(fact)]


def _expected(fact: Recorded[ParcelSent]) -> Iterator[Expected]:
    for reactor in REACTORS:
        ordinals: Counter[str] = Counter()
        for asked in reactor.reactor(fact) if reactor.query.matches(fact) else ():
            effect: Any = asked.effect if isinstance(asked, Deliver) else asked
            name = _NAMES[type(effect).__name__]
            key = _key(reactor.name, fact.id, name, str(ordinals[name]))
            ordinals[name] += 1
            ordering_key = fact.event.buyer if isinstance(effect, Bill) else None
            yield Expected(key, name, fact.event.parcel, fact.position, ordering_key)


def rows_in(using: str) -> list[Row]:
    """Return the outbox."""
    rows = Effect.objects.using(using).order_by("pk")
    return [Row(_key(row.reactor, row.event_id, row.name, row.key), row.state, row.attempts) for row in rows]


def _key(reactor: str, event: UUID, name: str, key: str) -> str:
    return str(uuid5(event, f"{reactor}\n{name}\n{key}"))

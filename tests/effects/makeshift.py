"""Reactors and handlers of one test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from factos_django import Query
from factos_django.core.effect import effect_type_of
from factos_django.effects import reactor
from factos_django.effects.handlers import Handler, Policy
from factos_django.models import Effect
from factos_django.registry import REACTORS
from tests.parcels.domain import PARCELS, Bill, Notify

__all__ = ["alone", "effects", "handler_of", "keys", "only", "reacting"]


@contextmanager
def reacting(
    react: Callable[..., Any], *, name: str = "tests.tried", query: Query = PARCELS
) -> Iterator[Any]:
    """Let ``react`` be a reactor in the block."""
    made = reactor(name, query=query)(react)
    try:
        yield made
    finally:
        REACTORS.unregister(name)


@contextmanager
def alone(react: Callable[..., Any], *, name: str = "tests.tried", query: Query = PARCELS) -> Iterator[Any]:
    """Let ``react`` be the one reactor there is in the block."""
    others = list(REACTORS)
    for each in others:
        REACTORS.unregister(each.name)
    try:
        with reacting(react, name=name, query=query) as made:
            yield made
    finally:
        for each in others:
            REACTORS.register(each)


def handler_of(
    function: Callable[..., Any], *, effect: Notify | Bill | None = None, **policy: Any
) -> Handler[Any]:
    """Return ``function`` as the handler of Notify, or of the type of ``effect``; it is not registered."""
    kind = effect_type_of(effect or Notify("", ""))
    return Handler(kind.name, kind, function, Policy(**policy))


def effects(using: str) -> list[Effect]:
    """Return the outbox, in the order of ids."""
    return list(Effect.objects.using(using).order_by("pk"))


def only(using: str) -> Effect:
    """Return the only effect there is."""
    (row,) = effects(using)
    return row


def keys(using: str) -> list[tuple[str, str, str]]:
    """Return what tells the effects of a fact apart, in the order of ids."""
    return [(row.reactor, row.name, row.key) for row in effects(using)]

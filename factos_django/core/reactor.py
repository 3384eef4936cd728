"""Reactors: pure functions from a committed fact to the effects that it calls for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Generic, TypeVar

from factos_django.core.event import Recorded

__all__ = ["Reactor", "merge_reactors", "react", "react_all"]

Event = TypeVar("Event", contravariant=True)
Effect = TypeVar("Effect", covariant=True)
E = TypeVar("E")
F = TypeVar("F")
G = TypeVar("G")


@dataclass(frozen=True, slots=True)
class Reactor(Generic[Event, Effect]):
    """A function from a recorded fact to effects. It performs none of them, and may be called."""

    react: Callable[[Recorded[Event]], Sequence[Effect]]

    def __call__(self, recorded: Recorded[Event]) -> Sequence[Effect]:
        return self.react(recorded)


def react(reactor: Reactor[E, F], recorded: Recorded[E]) -> tuple[F, ...]:
    """Return the effects of one fact."""
    return tuple(reactor.react(recorded))


def react_all(reactor: Reactor[E, F], recorded: Iterable[Recorded[E]]) -> tuple[F, ...]:
    """Return the effects of several facts, in their order."""
    return tuple(chain.from_iterable(reactor.react(each) for each in recorded))


def merge_reactors(first: Reactor[E, F], second: Reactor[E, G]) -> Reactor[E, F | G]:
    """Return the reactor that asks for the effects of both, the first one's first."""

    def both(recorded: Recorded[E]) -> tuple[F | G, ...]:
        return (*first.react(recorded), *second.react(recorded))

    return Reactor(both)

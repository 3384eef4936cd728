"""Views: pure folds of facts into what a reader wants to know."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import reduce
from typing import Generic, TypeVar

__all__ = ["View", "merge_views", "project", "project_from"]

State = TypeVar("State")
Other = TypeVar("Other")
Event = TypeVar("Event", contravariant=True)
Shared = TypeVar("Shared")


@dataclass(frozen=True, slots=True)
class View(Generic[State, Event]):
    """A fold and its beginning. Where its state is stored, and when it runs, is not its business."""

    initial: State
    evolve: Callable[[State, Event], State]


def project(view: View[State, Event], events: Iterable[Event]) -> State:
    """Fold ``events`` from the initial state of ``view``."""
    return reduce(view.evolve, events, view.initial)


def project_from(view: View[State, Event], state: State, events: Iterable[Event]) -> State:
    """Fold ``events`` from ``state``."""
    return reduce(view.evolve, events, state)


def merge_views(first: View[State, Shared], second: View[Other, Shared]) -> View[tuple[State, Other], Shared]:
    """Return the view that keeps both states side by side."""

    def evolve(states: tuple[State, Other], event: Shared) -> tuple[State, Other]:
        return first.evolve(states[0], event), second.evolve(states[1], event)

    return View((first.initial, second.initial), evolve)

"""Deciders: the pure half of a command."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, Generic, TypeVar

from factos_django.core.condition import AppendCondition
from factos_django.core.errors import InvalidAppend
from factos_django.core.event import Recorded
from factos_django.core.query import Query

__all__ = ["Context", "Decider", "compute_events", "compute_state", "decide_context", "evolve_recorded"]

Command = TypeVar("Command", contravariant=True)
State = TypeVar("State")
Event = TypeVar("Event")


@dataclass(frozen=True, slots=True)
class Decider(Generic[Command, State, Event]):
    """A pure decision: it queries no database, sends no mail and changes no table.

    Attributes:
        initial: The state before any fact.
        decide: Returns the new facts, none if there is nothing to do, or raises a DomainError.
        evolve: Folds one fact into the state and returns the new state; it changes nothing in place.
    """

    initial: State
    decide: Callable[[State, Command], Sequence[Event]]
    evolve: Callable[[State, Event], State]


@dataclass(frozen=True, slots=True)
class Context(Generic[State, Event]):
    """What a decision is made from.

    Attributes:
        query: Which facts belong to it.
        state: Those facts, folded.
        events: Those facts, in the order of positions.
        position: No matching fact at or below it is missing from ``events``.
    """

    query: Query
    state: State
    events: tuple[Recorded[Event], ...]
    position: int

    @property
    def append_condition(self) -> AppendCondition:
        """The condition under which what was decided from this context may be appended."""
        return AppendCondition(self.query, after=self.position)


def compute_events(
    decider: Decider[Command, State, Event], events: Iterable[Event], command: Command
) -> tuple[Event, ...]:
    """Fold ``events`` and return what ``command`` adds to them. Nothing is stored or checked."""
    return tuple(decider.decide(reduce(decider.evolve, events, decider.initial), command))


def compute_state(decider: Decider[Command, State, Event], current: State | None, command: Command) -> State:
    """Return the state after ``command`` is decided from ``current`` (None: the initial state)."""
    state = decider.initial if current is None else current
    return reduce(decider.evolve, decider.decide(state, command), state)


def decide_context(
    context: Context[State, Any], command: Command, decider: Decider[Command, State, Event]
) -> tuple[Event, ...]:
    """Return what ``command`` adds to ``context``; append it under ``context.append_condition``."""
    decided = decider.decide(context.state, command)
    if not isinstance(decided, Sequence):
        raise InvalidAppend(reason=f"decide returned {type(decided).__name__}, not a list of events")
    return tuple(decided)


def evolve_recorded(decider: Decider[Command, State, Event], recorded: Iterable[Recorded[Event]]) -> State:
    """Fold recorded events into the state of ``decider``, which sees the bare events."""
    return reduce(decider.evolve, (each.event for each in recorded), decider.initial)

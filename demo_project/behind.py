"""What lies behind a page: which facts a command depends on, and what its decider says to it now.

It reads under no lock, up to the head. ``read_context`` would take the guards of a decision, and whoever
looks at a page would keep buyers waiting. A page decides nothing: at the worst it is a moment late, as any
page is when it is read, and ``dispatch`` reads again, under its guard, before it records anything.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from factos_django import (
    Context,
    Decider,
    DomainError,
    Query,
    Recorded,
    decide_context,
    evolve_recorded,
    fields_of,
)
from factos_django.core.event_types import type_of
from factos_django.store import read

__all__ = ["FACTS_SHOWN", "Behind", "NewFact", "behind"]

#: The newest facts are shown, and of the others it is told how many they are.
FACTS_SHOWN = 20

Command = TypeVar("Command")
State = TypeVar("State")
Event = TypeVar("Event")


@dataclass(frozen=True, slots=True)
class NewFact:
    """What would be recorded."""

    event: object
    type: str
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Behind(Generic[State, Event]):
    """A command, seen from behind.

    Attributes:
        command: It is not dispatched.
        query: The facts that can change its answer.
        facts: Those that match, newest first, FACTS_SHOWN at most.
        count: How many match.
        position: Of the newest of them; 0 if there is none.
        state: All of them, folded.
        new_facts: What the decider would add; none if it refuses, or if there is nothing to do.
        refusal: What the decider raises instead.
    """

    command: object
    query: Query
    facts: tuple[Recorded[Event], ...]
    count: int
    position: int
    state: State
    new_facts: tuple[NewFact, ...]
    refusal: DomainError | None

    @property
    def older(self) -> int:
        """How many match and are not shown."""
        return self.count - len(self.facts)

    @property
    def refusal_fields(self) -> dict[str, Any]:
        """The data of the refusal."""
        return fields_of(self.refusal) if self.refusal else {}


def behind(
    command: Command,
    *,
    decider: Decider[Command, State, Event],
    query: Query | Callable[[Command], Query],
    using: str | None = None,
) -> Behind[State, Event]:
    """Return what lies behind ``command``. It is decided, as ``dispatch`` would, and nothing is recorded.

    Raises:
        InvalidInput: No tag can hold what the command names.
        DecodeError: History and code disagree about a fact.
    """
    asked = query(command) if callable(query) else query
    facts = tuple(read(asked, using=using))
    position = facts[-1].position if facts else 0
    context = Context(asked, evolve_recorded(decider, facts), facts, position)
    new_facts, refusal = _decision(context, command, decider)
    newest = facts[: -FACTS_SHOWN - 1 : -1]
    return Behind(command, asked, newest, len(facts), position, context.state, new_facts, refusal)


def _decision(
    context: Context[State, Event], command: Command, decider: Decider[Command, State, Event]
) -> tuple[tuple[NewFact, ...], DomainError | None]:
    try:
        decided = decide_context(context, command, decider)
    except DomainError as refusal:
        return (), refusal
    return tuple(_new_fact(event) for event in decided), None


def _new_fact(event: object) -> NewFact:
    kind = type_of(event)
    return NewFact(event, kind.name, kind.tags_of(event))

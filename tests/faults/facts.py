"""What the fault tests append, and the query that finds it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from factos_django import AppendCondition, Decider, DomainError, Proposed, Query, QueryItem, event_type

__all__ = ["Full", "Seated", "about", "new", "seating", "three", "unless"]


@event_type("faults.Seated", tags=("room:{room}",))
@dataclass(frozen=True, slots=True)
class Seated:
    """Somebody sits in a room."""

    room: str
    guest: str = "ann"


class Full(DomainError):
    """The room has one seat, and somebody sits there."""


def about(room: str) -> Query:
    """Return the query of what happened in a room."""
    return Query.of(QueryItem(types=[Seated], tags=[f"room:{room}"]))


def unless(room: str) -> AppendCondition:
    """Return the condition that nothing happened in a room."""
    return AppendCondition(about(room))


def three(room: str) -> list[Any]:
    """Return three facts with six tags between them."""
    return [Proposed(Seated(room, guest), tags=(f"guest:{guest}",)) for guest in ("ann", "bob", "eve")]


def new(room: str) -> list[Any]:
    """Return one fact."""
    return [Seated(room)]


def _seat(taken: int, room: str) -> list[Any]:
    if taken:
        raise Full
    return new(room)


#: One guest a room; the command is the room.
seating: Decider[str, int, Any] = Decider(initial=0, decide=_seat, evolve=lambda taken, _fact: taken + 1)

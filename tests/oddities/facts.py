"""Facts about notes and seats, and what is made of them. A test declares such projections for itself."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any
from uuid import UUID

from factos_django import Query, QueryItem, Recorded, View, event_type
from factos_django.projections import projection
from factos_django.projections.declaration import Projection
from factos_django.registry import PROJECTIONS

__all__ = [
    "NOTED",
    "SEATED",
    "NoteState",
    "Noted",
    "SeatState",
    "Seated",
    "declared",
    "desks",
    "notes",
    "seats",
    "tallies",
]


@event_type("oddities.Noted", tags=("note:{title}", "kind:{kind}"))
@dataclass(frozen=True, slots=True)
class Noted:
    title: str
    number: int
    kind: str = "plain"


@event_type("oddities.Seated", tags=("hall:{hall}",))
@dataclass(frozen=True, slots=True)
class Seated:
    """Somebody takes a seat, or, without a name, leaves it."""

    hall: str
    number: int
    holder: str | None
    choir: int | None = None


NOTED = Query.of(QueryItem(types=[Noted]))
SEATED = Query.of(QueryItem(types=[Seated]))


_NOBODY = UUID(int=1)


@dataclass(frozen=True, slots=True)
class NoteState:
    title: str
    text: str = "Ä"
    short: int = 0
    amount: Decimal = Decimal("0.00")
    share: float = 0.1
    is_read: bool = False
    day: dt.date = dt.date(2026, 1, 1)
    hour: dt.time = dt.time(12, 30, 0, 1)
    moment: dt.datetime = dt.datetime(2026, 1, 1, 12, 0, 0, 1, dt.UTC)
    length: dt.timedelta = dt.timedelta(microseconds=1)
    token: UUID = _NOBODY
    facts: Any = None
    blob: bytes = b"\0\xff"
    perhaps: int | None = None


def _evolve_note(state: NoteState | None, recorded: Recorded[Noted]) -> NoteState | None:
    assert state is not None
    number = recorded.event.number
    if number < 0:
        return None
    return replace(
        state,
        text=f"{state.text[-30:]} {number}",
        short=state.short + number,
        amount=state.amount + Decimal(number) / 100,
        share=state.share + number / 3,
        is_read=not state.is_read,
        day=state.day + dt.timedelta(days=1),
        moment=state.moment + dt.timedelta(seconds=number),
        length=state.length * 2,
        token=recorded.id,
        facts={"last": [number, None, "ä"]},
        blob=state.blob[-20:] + bytes([number % 256]),
        perhaps=None if number % 2 else number,
    )


note: View[NoteState | None, Recorded[Noted]] = View(NoteState(""), _evolve_note)


@dataclass(frozen=True, slots=True)
class SeatState:
    holder: str | None = None
    choir_id: int | None = None


def _evolve_seat(state: SeatState, recorded: Recorded[Seated]) -> SeatState:
    return SeatState(recorded.event.holder, recorded.event.choir)


def notes(name: str = "oddities.notes", **changes: Any) -> Projection:
    """Declare the projection of notes."""
    usual: dict[str, Any] = {
        "model": "oddities.Note",
        "query": NOTED,
        "key": lambda recorded: recorded.event.title,
        "start": NoteState,
        "view": note,
    }
    return projection(name, **usual | changes)


def seats(name: str = "oddities.seats", **changes: Any) -> Projection:
    """Declare the projection of seats."""
    usual: dict[str, Any] = {
        "model": "oddities.Seat",
        "query": SEATED,
        "key": lambda recorded: (recorded.event.hall, recorded.event.number),
        "key_fields": ("hall", "number"),
        "view": View(SeatState(), _evolve_seat),
    }
    return projection(name, **usual | changes)


@dataclass(frozen=True, slots=True)
class DeskState:
    label: str = ""


def desks(**changes: Any) -> Projection:
    """Declare the projection of desks, labelled by their holders."""
    view: View[DeskState, Recorded[Seated]] = View(
        DeskState(), lambda _, recorded: DeskState(recorded.event.holder or "")
    )
    return seats("oddities.desks", model="oddities.Desk", view=view, **changes)


@dataclass(frozen=True, slots=True)
class TallyState:
    number: int = 0


def _evolve_tally(state: TallyState | None, recorded: Recorded[Noted]) -> TallyState | None:
    assert state is not None
    return None if recorded.event.number < 0 else TallyState(state.number + recorded.event.number)


tally: View[TallyState | None, Recorded[Noted]] = View(TallyState(), _evolve_tally)


def tallies(name: str = "oddities.tallies", **changes: Any) -> Projection:
    """Declare the projection of tallies."""
    usual: dict[str, Any] = {
        "model": "oddities.Tally",
        "query": NOTED,
        "key": lambda recorded: recorded.event.title,
        "view": tally,
    }
    return projection(name, **usual | changes)


@contextmanager
def declared(make: Any, *args: Any, **changes: Any) -> Iterator[Projection]:
    """Let ``make(*args, **changes)`` be declared inside the block."""
    made = make(*args, **changes)
    try:
        yield made
    finally:
        PROJECTIONS.unregister(made.name)

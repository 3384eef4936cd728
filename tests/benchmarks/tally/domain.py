"""Subjects that are counted, and sometimes dropped and counted again. Pure."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from factos_django import Recorded, View, effect_type, event_type

__all__ = [
    "EVENTS_OF_A_SUBJECT",
    "Counted",
    "Dropped",
    "TallyState",
    "Tell",
    "amount_of",
    "events_of_log",
    "tally",
    "tell",
]

#: 200,000 subjects in a log of a million.
EVENTS_OF_A_SUBJECT = 5
#: One row in so many is deleted, and born again.
ONE_DROPPED_OF = 100


@event_type("tally.Counted", tags=("subject:{subject}",))
@dataclass(frozen=True, slots=True)
class Counted:
    subject: str
    amount: Decimal


@event_type("tally.Dropped", tags=("subject:{subject}",))
@dataclass(frozen=True, slots=True)
class Dropped:
    subject: str


@effect_type("tally.Tell")
@dataclass(frozen=True, slots=True)
class Tell:
    """Tell somebody what was counted."""

    subject: str
    amount: Decimal


def tell(recorded: Recorded[Counted]) -> list[Tell]:
    """One effect for each fact."""
    return [Tell(recorded.event.subject, recorded.event.amount)]


@dataclass(frozen=True, slots=True)
class TallyState:
    count: int
    total: Decimal
    last_at: datetime


def _evolve(state: TallyState | None, recorded: Recorded[Counted | Dropped]) -> TallyState | None:
    event = recorded.event
    if isinstance(event, Dropped):
        return None
    if state is None:
        return TallyState(1, event.amount, recorded.recorded_at)
    return TallyState(state.count + 1, state.total + event.amount, recorded.recorded_at)


tally: View[TallyState | None, Recorded[Counted | Dropped]] = View(None, _evolve)


def events_of_log(size: int) -> Iterator[Counted | Dropped]:
    """A log of ``size`` events whose subjects come in random order, the same each time."""
    chance = random.Random(size)
    subjects = max(1, size // EVENTS_OF_A_SUBJECT)
    for _ in range(size):
        subject = f"subject-{chance.randrange(subjects)}"
        if chance.randrange(EVENTS_OF_A_SUBJECT * ONE_DROPPED_OF) == 0:
            yield Dropped(subject)
        else:
            yield Counted(subject, amount_of(chance.randrange(1, 10_000)))


def amount_of(cents: int) -> Decimal:
    return Decimal(cents) / 100

"""What else happens in the transaction of an append: inline projections, and whatever takes part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any

from factos_django.core.event import Foreseen, Recorded
from factos_django.registry import Participant, participants
from factos_django.store.prepared import Prepared
from factos_django.store.waits import bounded_participants

__all__ = ["Participation"]


@dataclass(frozen=True, slots=True)
class _Part:
    """One who takes part, the places of his events in the batch, and the rows that he will write."""

    participant: Participant
    places: tuple[int, ...]
    rows: frozenset[str]

    @classmethod
    def of(cls, participant: Participant, prepared: Sequence[Prepared], moment: datetime) -> _Part:
        places = tuple(n for n, each in enumerate(prepared) if participant.query.matches(each))
        rows = (participant.row_locks(_foreseen(prepared[n], moment)) for n in places)
        return cls(participant, places, frozenset(chain.from_iterable(rows)))


@dataclass(frozen=True, slots=True)
class Participation:
    """Those who take part in one append, in the order of their names."""

    parts: tuple[_Part, ...]

    @classmethod
    def of(cls, prepared: Sequence[Prepared], moment: datetime, using: str) -> Participation:
        """Return who takes part where ``prepared`` is recorded at ``moment``."""
        parts = (_Part.of(each, prepared, moment) for each in participants(using))
        return cls(tuple(part for part in parts if part.places))

    def __bool__(self) -> bool:
        return bool(self.parts)

    @property
    def rows(self) -> frozenset[str]:
        """The names of all rows that they will write; to be locked before positions are drawn."""
        return frozenset(chain.from_iterable(part.rows for part in self.parts))

    def take_part(self, recorded: Sequence[Recorded[Any]], using: str) -> None:
        """Let everybody do it, in this transaction."""
        if not self.parts:
            return
        with bounded_participants(using):
            for part in self.parts:
                part.participant.take_part([recorded[n] for n in part.places], using, part.rows)


def _foreseen(p: Prepared, moment: datetime) -> Foreseen[Any]:
    return Foreseen(p.event, p.id, p.type, p.version, p.tags, dict(p.metadata), moment)

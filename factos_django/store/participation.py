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

__all__ = ["Participation"]


@dataclass(frozen=True, slots=True)
class Participation:
    """Who takes part in one append, each with the places of its events in the batch.

    Attributes:
        parts: The participants in the order of their names, and which events are theirs.
        rows: The names of all rows that they will write; to be locked before positions are drawn.
    """

    parts: tuple[tuple[Participant, tuple[int, ...]], ...]
    rows: frozenset[str]

    @classmethod
    def of(cls, prepared: Sequence[Prepared], moment: datetime, using: str) -> Participation:
        """Return who takes part where ``prepared`` is recorded at ``moment``."""
        known = participants(using)
        if not known:
            return _NOBODY
        places = {each: tuple(n for n, p in enumerate(prepared) if each.query.matches(p)) for each in known}
        parts = tuple((each, theirs) for each, theirs in places.items() if theirs)
        rows = (each.row_locks(_foreseen(prepared[n], moment)) for each, theirs in parts for n in theirs)
        return cls(parts, frozenset(chain.from_iterable(rows)))

    def __bool__(self) -> bool:
        return bool(self.parts)

    def take_part(self, recorded: Sequence[Recorded[Any]], using: str) -> None:
        """Let everybody do it, in this transaction."""
        for each, places in self.parts:
            each.take_part([recorded[n] for n in places], using)


_NOBODY = Participation((), frozenset())


def _foreseen(p: Prepared, moment: datetime) -> Foreseen[Any]:
    return Foreseen(p.event, p.id, p.type, p.version, p.tags, dict(p.metadata), moment)

"""A stampede: a crowd of buyers, threads of this process with a database connection each.

(``manage.py sell_tickets`` does the same with processes.) What the buyers were told is counted, and then the
tickets are counted in the log.
"""

from __future__ import annotations

from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field

from django.db import connections

from demo_project.crowd import AT_ONCE, Meet, let_in
from demo_project.ticketing.buyers import answer_to
from demo_project.ticketing.sale import Answer, Sale
from demo_project.ticketing.sale_report import Tally, count_recorded
from factos_django import StoreBusy

__all__ = ["AT_ONCE", "Stampede", "stampede"]


@dataclass(frozen=True, slots=True)
class Stampede:
    """What came of it.

    Attributes:
        tally: The answers, counted.
        recorded: The tickets of the conference that are in the log now.
        seconds: From the moment when all were let in to the last answer.
    """

    sale: Sale
    tally: Tally
    recorded: int
    seconds: float

    def in_words(self, capacity: int) -> str:
        """Return all of it, in sentences. No answer is left out."""
        told = [f"{self.tally.accepted} sold", f"{self.tally.sold_out} refused (SoldOut)", *self._errors()]
        many = f"{self.sale.attempts} buyers came at once" if self.sale.attempts > 1 else "One buyer came"
        kept = "none too many" if self.recorded <= capacity else f"{self.recorded - capacity} TOO MANY"
        return (
            f"{many}: {', '.join(told)}, in {self.seconds:.1f} seconds. "
            f"The log holds {self.recorded} of {capacity} tickets, {kept}."
        )

    def is_as_it_should_be(self, capacity: int) -> bool:
        """Tell whether each buyer was sold a ticket or refused one, and none was sold too many."""
        return not self.tally.errors and self.recorded <= capacity

    def _errors(self) -> list[str]:
        return [
            f"{number} turned away: busy ({kind})"
            if kind == StoreBusy.__name__
            else f"{number} failed ({kind}: {self.tally.details[kind]})"
            for kind, number in sorted(self.tally.errors.items())
        ]


def stampede(sale: Sale) -> Stampede:
    """Let the buyers of ``sale`` in, and return when each has an answer."""
    groups = [_Group(sale, buyers) for buyers in sale.shares()]
    ends, seconds = let_in([group.serve for group in groups])
    tally = Tally()
    for group, end in zip(groups, ends, strict=True):
        for answer in group.answers(end):
            tally.add(answer)
    return Stampede(sale, tally, count_recorded(sale.conference, sale.using), seconds)


@dataclass(slots=True)
class _Group:
    """The buyers that one thread serves."""

    sale: Sale
    buyers: list[str]
    told: list[Answer] = field(default_factory=list)

    def serve(self, meet: Meet) -> None:
        """Buy for each of them in turn, on a connection of this thread."""
        with suppress(Exception):  # each attempt will say what is wrong
            connections[self.sale.using].ensure_connection()
        meet()
        for buyer in self.buyers:
            self.told.append(answer_to(self.sale, buyer))

    def answers(self, end: Future[None]) -> list[Answer]:
        """Return an answer for each of them, whatever became of the thread."""
        error = end.exception()
        unserved = len(self.buyers) - len(self.told)
        return self.told + [Answer(type(error).__name__, detail=str(error))] * unserved

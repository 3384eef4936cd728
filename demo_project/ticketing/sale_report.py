"""What a sale came to: what the buyers were told, and what the tables hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db import connections

from demo_project.ticketing.factos import sales
from demo_project.ticketing.models import ConferenceSales
from demo_project.ticketing.sale import ACCEPTED, SOLD_OUT, Answer, Sale

__all__ = ["SaleReport", "Tally", "count_projected", "count_recorded"]

RECORDED = """
    SELECT count(*)
    FROM factos_event JOIN factos_tag ON factos_tag.event_id = factos_event.position
    WHERE factos_tag.value = %s AND factos_event.type = 'TicketSold'
"""


def count_recorded(conference: str, using: str) -> int:
    """Return how many tickets of the conference the tables hold, asked in plain SQL."""
    with connections[using].cursor() as cursor:
        cursor.execute(RECORDED, [f"event:{conference}"])
        return int(cursor.fetchone()[0])


def count_projected(conference: str, using: str) -> int:
    """Return how many tickets the projection has counted; 0 for a conference that it does not know."""
    rows = ConferenceSales.objects.using(using).filter(pk=conference)
    return rows.values_list("sold", flat=True).first() or 0


@dataclass(slots=True)
class Tally:
    """The answers, counted."""

    accepted: int = 0
    sold_out: int = 0
    retries: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    #: The first message of each kind of error.
    details: dict[str, str] = field(default_factory=dict)

    def add(self, answer: Answer) -> None:
        """Count one answer."""
        self.retries += answer.retries
        if answer.kind == ACCEPTED:
            self.accepted += 1
        elif answer.kind == SOLD_OUT:
            self.sold_out += 1
        else:
            self.errors[answer.kind] += 1
            self.details.setdefault(answer.kind, " ".join(answer.detail.split()))


@dataclass(frozen=True, slots=True)
class SaleReport:
    """One sale, its answers, the tickets in the tables before and after it, and those of the projection."""

    sale: Sale
    capacity: int
    tally: Tally
    recorded_before: int
    recorded: int
    projected: int
    seconds: float

    @property
    def decisions_per_second(self) -> float:
        """How many buyers got an answer from the domain, each second."""
        return (self.tally.accepted + self.tally.sold_out) / self.seconds if self.seconds else 0.0

    def failures(self) -> list[str]:
        """Return what is wrong with this sale, in sentences; nothing is wrong with most."""
        return [*self._wrong_answers(), *self._wrong_records(), *self._wrong_projection()]

    def _wrong_answers(self) -> Iterator[str]:
        answered = self.tally.accepted + self.tally.sold_out
        if failed := self.tally.errors.total():
            yield f"{failed} of {self.sale.attempts} attempts ended in errors"
        if answered + failed != self.sale.attempts:
            yield f"{answered + failed} answers came to {self.sale.attempts} attempts"

    def _wrong_records(self) -> Iterator[str]:
        growth = self.recorded - self.recorded_before
        if self.recorded > self.capacity:
            yield f"oversold: {self.recorded} tickets are recorded, and the capacity is {self.capacity}"
        if self.tally.accepted != growth:
            yield f"{self.tally.accepted} buyers were accepted, and {growth} tickets were recorded meanwhile"
        if self.tally.sold_out and self.recorded < self.capacity:
            yield f"buyers were told 'sold out' with {self.recorded} of {self.capacity} tickets recorded"

    def _wrong_projection(self) -> Iterator[str]:
        if self.projected != self.recorded:
            counted = f"{sales.name} counts {self.projected} tickets, and {self.recorded} are recorded"
            yield f"{counted} (manage.py rebuild_projections {sales.name})"

    def as_data(self) -> dict[str, Any]:
        """Return the report as plain data."""
        return {
            "conference": self.sale.conference,
            "database": self.sale.using,
            "capacity": self.capacity,
            "attempts": self.sale.attempts,
            "concurrency": self.sale.concurrency,
            "accepted": self.tally.accepted,
            "sold_out": self.tally.sold_out,
            "errors": dict(sorted(self.tally.errors.items())),
            "recorded": self.recorded,
            "projected": self.projected,
            "retries": self.tally.retries,
            "seconds": round(self.seconds, 3),
            "decisions_per_second": round(self.decisions_per_second, 1),
            "failures": self.failures(),
        }

    def lines(self) -> list[str]:
        """Return the report as aligned lines."""
        errors = sorted(self.tally.errors.items())
        rows = [
            ("accepted", f"{self.tally.accepted}", ""),
            ("sold out", f"{self.tally.sold_out}", ""),
            ("errors", f"{self.tally.errors.total()}", ""),
            *((f"  {kind}", f"{number}", self.tally.details[kind]) for kind, number in errors),
            ("recorded", f"{self.recorded}", f"of {self.capacity}, counted in the tables"),
            ("projected", f"{self.projected}", f"by {sales.name}"),
            ("retries", f"{self.tally.retries}", ""),
            ("seconds", f"{self.seconds:.2f}", ""),
            ("decisions per second", f"{self.decisions_per_second:.1f}", ""),
        ]
        label, value = (max(len(row[column]) for row in rows) for column in (0, 1))
        return [f"{row[0]:<{label}}  {row[1]:>{value}}  {row[2]}".rstrip() for row in rows]

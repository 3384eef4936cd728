"""The end of a month: many invoices of one series are issued at the same moment."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from demo_project.billing.domain import IssueInvoice, invoices_issued, issuing_context, numbering
from demo_project.crowd import Crowd, crowd
from factos_django.dispatch import dispatch
from factos_django.store import read

__all__ = ["MonthEnd", "issue_at_once"]

#: What each of them asks for, in cents.
AMOUNT = 19_90


@dataclass(frozen=True, slots=True)
class MonthEnd:
    """What came of it.

    Attributes:
        numbers: Those of the series then, as they are in the log.
    """

    series: str
    many: int
    crowd: Crowd
    numbers: tuple[int, ...]

    @property
    def has_no_gap(self) -> bool:
        """Tell whether the numbers begin with 1, follow each other, and none is there twice."""
        return self.numbers == tuple(range(1, len(self.numbers) + 1))

    @property
    def is_as_it_should_be(self) -> bool:
        """Tell whether each invoice was issued, and the numbers have no gap."""
        return self.has_no_gap and self.crowd.done == self.many

    def in_words(self) -> str:
        """Return all of it, in sentences."""
        kept = "none missing and none twice" if self.has_no_gap else "NOT ONE AFTER THE OTHER"
        told = self.crowd.in_words("issued")
        return f"{self.many} at once: {told} The log has numbers 1 to {len(self.numbers)}, {kept}."


def issue_at_once(series: str, many: int) -> MonthEnd:
    """Issue so many invoices, each to a customer of its own."""
    commands = [IssueInvoice(series, f"customer-{number}", AMOUNT) for number in range(1, many + 1)]
    done = crowd([partial(_issue, command) for command in commands])
    return MonthEnd(series, many, done, tuple(each.event.number for each in read(invoices_issued(series))))


def _issue(command: IssueInvoice) -> None:
    dispatch(command, decider=numbering, query=issuing_context)

"""What happened to an account, as its owner reads it. It is in the log, by account, and in no table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from demo_project.banking.domain import (
    AccountClosed,
    AccountOpened,
    BankingFact,
    MoneyDeposited,
    MoneyTransferred,
    facts_of_account,
    gain_of,
)
from factos_django import Recorded
from factos_django.store import read

__all__ = ["Line", "history"]


@dataclass(frozen=True, slots=True)
class Line:
    """A fact, from the side of one account.

    Attributes:
        gain: How much more there is after it, in cents; less is negative. 0: it moved no money.
        other: The other account of a transfer.
    """

    position: int
    when: datetime
    what: str
    gain: int
    other: str = ""


def history(account: str, limit: int) -> Iterator[Line]:
    """Yield the latest facts of an account, newest first; raise InvalidTag if no tag holds its name."""
    for recorded in read(facts_of_account(account), backwards=True, limit=limit):
        yield _line(account, recorded)


def _line(account: str, recorded: Recorded[BankingFact]) -> Line:
    what, other = _in_words(account, recorded.event)
    gain = gain_of(account, recorded.event)
    return Line(recorded.position, recorded.recorded_at, what, gain, other)


def _in_words(account: str, fact: BankingFact) -> tuple[str, str]:
    match fact:
        case AccountOpened():
            return "Opened", ""
        case AccountClosed():
            return "Closed", ""
        case MoneyTransferred(source, target):
            return ("To", target) if source == account else ("From", source)
        case MoneyDeposited():
            return "Deposited", ""
        case _:
            return "Withdrawn", ""

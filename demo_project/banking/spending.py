"""Many who spend the same money at the same moment."""

from __future__ import annotations

from dataclasses import dataclass

from demo_project.banking.domain import (
    WithdrawMoney,
    accounting,
    facts_of_account,
    withdrawal_context,
)
from demo_project.crowd import Crowd, crowd
from demo_project.money import euros
from factos_django import evolve_recorded
from factos_django.dispatch import dispatch
from factos_django.store import read

__all__ = ["Spending", "balance_in_log", "spend_at_once"]


@dataclass(frozen=True, slots=True)
class Spending:
    """What came of it.

    Attributes:
        wanted: What each of them wanted, in cents: all that there was.
        left: What the account has then, folded from the log.
    """

    many: int
    wanted: int
    crowd: Crowd
    left: int

    @property
    def is_as_it_should_be(self) -> bool:
        """Tell whether each had an answer, and nothing was spent that was not there."""
        return not self.crowd.failed and self.left >= 0

    def in_words(self) -> str:
        """Return all of it, in sentences."""
        told = self.crowd.in_words("got it")
        return f"{self.many} wanted {euros(self.wanted)} at once: {told} The log leaves {euros(self.left)}."


def spend_at_once(account: str, many: int) -> Spending | None:
    """Let so many withdraw all that the account has; None if it has nothing."""
    wanted = balance_in_log(account)
    if wanted < 1:
        return None
    command = WithdrawMoney(account, wanted)
    done = crowd([lambda: dispatch(command, decider=accounting, query=withdrawal_context)] * many)
    return Spending(many, wanted, done, balance_in_log(account))


def balance_in_log(account: str) -> int:
    """Return what the account has, folded from its facts."""
    ledger = evolve_recorded(accounting, read(facts_of_account(account)))
    return ledger.accounts[account].balance if account in ledger.accounts else 0

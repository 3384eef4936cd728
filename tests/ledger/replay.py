"""What the rows of the ledger must be: the log folded from its beginning, by nothing but the pure view."""

from __future__ import annotations

from typing import Any

from django.db import models

from factos_django import View
from factos_django.store import read
from tests.ledger.domain import LEDGER, LedgerBalance, accounts_of, balance
from tests.ledger.models import Balance

__all__ = ["balances_in", "balances_replayed"]

#: By account: amount, moves, and the position of the last fact.
Rows = dict[str, tuple[int, int, int]]


def balances_in(using: str, model: type[models.Model] = Balance) -> Rows:
    """Return the rows that are there."""
    columns = ("account", "amount", "moves", "factos_position")
    return {row[0]: row[1:] for row in model._default_manager.using(using).values_list(*columns)}


def balances_replayed(using: str, view: View[LedgerBalance | None, Any] = balance) -> Rows:
    """Return the rows that the log makes, in the order of positions."""
    states: dict[str, tuple[LedgerBalance, int]] = {}
    for each in read(LEDGER, using=using):
        for account in accounts_of(each.event):
            before = states.pop(account, (LedgerBalance(account), 0))[0]
            if (after := view.evolve(before, each)) is not None:
                states[account] = (after, each.position)
    return {account: (state.amount, state.moves, at) for account, (state, at) in states.items()}

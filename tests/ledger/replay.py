"""What the rows of the ledger must be: the log folded from its beginning, by nothing but the pure view."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, TypeAlias
from uuid import UUID

from django.db import models

from factos_django import Recorded
from factos_django.store import read
from tests.ledger.domain import LEDGER, LedgerBalance, LedgerEvent, accounts_of, balance
from tests.ledger.models import Balance

__all__ = ["Rows", "balances_in", "balances_of", "balances_replayed"]

#: By account: amount, moves, and the position of the last fact.
Rows: TypeAlias = dict[str, tuple[int, int, int]]

_NOBODY, _NEVER = UUID(int=0), datetime.min.replace(tzinfo=UTC)


def balances_in(using: str, model: type[models.Model] = Balance) -> Rows:
    """Return the rows that are there."""
    columns = ("account", "amount", "moves", "factos_position")
    return {row[0]: row[1:] for row in model._default_manager.using(using).values_list(*columns)}


def balances_replayed(using: str) -> Rows:
    """Return the rows that the log makes."""
    return balances_of((each.position, each.event) for each in read(LEDGER, using=using))


def balances_of(facts: Iterable[tuple[int, LedgerEvent]]) -> Rows:
    """Return the rows that these facts make, which are in the order of their positions."""
    states: dict[str, tuple[LedgerBalance, int]] = {}
    for position, event in facts:
        recorded: Recorded[Any] = Recorded(event, position, _NOBODY, "", 1, (), {}, _NEVER)
        for account in accounts_of(event):
            before = states.pop(account, (LedgerBalance(account), 0))[0]
            if (after := balance.evolve(before, recorded)) is not None:
                states[account] = (after, position)
    return {account: (state.amount, state.moves, at) for account, (state, at) in states.items()}

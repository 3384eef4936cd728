"""Accounts that get money, pay each other and close. Pure."""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from factos_django import Query, QueryItem, Recorded, View, event_type

__all__ = [
    "LEDGER",
    "Closed",
    "Deposited",
    "LedgerBalance",
    "Pair",
    "Transferred",
    "accounts_of",
    "balance",
    "turnover",
]


@event_type("ledger.Deposited", tags=("account:{account}",))
@dataclass(frozen=True, slots=True)
class Deposited:
    account: str
    amount: int


@event_type("ledger.Transferred", tags=("account:{payer}", "account:{payee}"))
@dataclass(frozen=True, slots=True)
class Transferred:
    payer: str
    payee: str
    amount: int
    memo: str | None = None


@event_type("ledger.Closed", tags=("account:{account}",))
@dataclass(frozen=True, slots=True)
class Closed:
    """The account is no more; a later deposit opens it anew."""

    account: str


LedgerEvent = Deposited | Transferred | Closed

LEDGER = Query.of(QueryItem(types=[Deposited, Transferred, Closed]))


@dataclass(frozen=True, slots=True)
class LedgerBalance:
    account: str
    amount: int = 0
    moves: int = 0


def accounts_of(event: LedgerEvent) -> list[str]:
    if isinstance(event, Transferred):
        return [event.payer, event.payee]
    return [event.account]


def _evolve_balance(state: LedgerBalance | None, recorded: Recorded[LedgerEvent]) -> LedgerBalance | None:
    assert state is not None
    match recorded.event:
        case Deposited(amount=amount):
            change = amount
        case Transferred(payer=payer, payee=payee, amount=amount):
            change = amount * ((state.account == payee) - (state.account == payer))
        case Closed():
            return None
    return replace(state, amount=state.amount + change, moves=state.moves + 1)


balance: View[LedgerBalance | None, Recorded[LedgerEvent]] = View(LedgerBalance(""), _evolve_balance)


@dataclass(frozen=True, slots=True)
class Pair:
    amount: Decimal
    last_at: datetime
    last_memo: str | None


def _evolve_pair(state: Pair | None, recorded: Recorded[Transferred]) -> Pair | None:
    before = Decimal(0) if state is None else state.amount
    amount = before + Decimal(recorded.event.amount) / 100
    return Pair(amount, recorded.recorded_at, recorded.event.memo)


turnover: View[Pair | None, Recorded[Transferred]] = View(None, _evolve_pair)

"""Accounts: none spends more than it has, and a transfer spans two. Pure; nothing here knows Django.

Amounts are whole cents, and never fractions of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date
from typing import TypeAlias

from factos_django import Decider, DomainError, Query, QueryItem, Recorded, View, event_type

__all__ = [
    "AMOUNT_MAX",
    "Account",
    "AccountClosed",
    "AccountIsClosed",
    "AccountOpened",
    "AccountRow",
    "BankingCommand",
    "BankingFact",
    "Booking",
    "CloseAccount",
    "DepositMoney",
    "ImpossibleAmount",
    "InsufficientFunds",
    "Ledger",
    "MoneyDeposited",
    "MoneyLeft",
    "MoneyTransferred",
    "MoneyWithdrawn",
    "Month",
    "NoSuchAccount",
    "OpenAccount",
    "SameAccount",
    "TransferMoney",
    "WithdrawMoney",
    "account_row",
    "accounting",
    "accounts_of",
    "closing_context",
    "deposit_context",
    "every_account",
    "every_booking",
    "facts_of_account",
    "first_month",
    "gain_of",
    "month_totals",
    "months_of",
    "new_account_row",
    "opening_context",
    "transfer_context",
    "whole_ledger",
    "withdrawal_context",
]

#: The most that one booking moves, so that no sum of them is too large for a column.
AMOUNT_MAX = 10_000_000_00


# Facts


@event_type("banking.AccountOpened", version=1, tags=("account:{account}",))
@dataclass(frozen=True, slots=True)
class AccountOpened:
    """An account was opened, with nothing in it."""

    account: str


@event_type("banking.AccountClosed", version=1, tags=("account:{account}",))
@dataclass(frozen=True, slots=True)
class AccountClosed:
    """An account with nothing in it was closed, for good."""

    account: str


@event_type("banking.MoneyDeposited", version=1, tags=("account:{account}",))
@dataclass(frozen=True, slots=True)
class MoneyDeposited:
    """Money was put into an account."""

    account: str
    amount: int


@event_type("banking.MoneyWithdrawn", version=1, tags=("account:{account}",))
@dataclass(frozen=True, slots=True)
class MoneyWithdrawn:
    """Money was taken out of an account."""

    account: str
    amount: int


@event_type("banking.MoneyTransferred", version=1, tags=("account:{source}", "account:{target}"))
@dataclass(frozen=True, slots=True)
class MoneyTransferred:
    """Money went from one account to another: one fact, which is about both."""

    source: str
    target: str
    amount: int


Booking: TypeAlias = MoneyDeposited | MoneyWithdrawn | MoneyTransferred
BankingFact: TypeAlias = AccountOpened | AccountClosed | Booking

_LIFE = (AccountOpened, AccountClosed)
_BOOKINGS = (MoneyDeposited, MoneyWithdrawn, MoneyTransferred)


# Commands


@dataclass(frozen=True, slots=True)
class OpenAccount:
    """Open an account."""

    account: str


@dataclass(frozen=True, slots=True)
class CloseAccount:
    """Close an account that has nothing in it."""

    account: str


@dataclass(frozen=True, slots=True)
class DepositMoney:
    """Put money into an account."""

    account: str
    amount: int


@dataclass(frozen=True, slots=True)
class WithdrawMoney:
    """Take money out of an account."""

    account: str
    amount: int


@dataclass(frozen=True, slots=True)
class TransferMoney:
    """Move money from one account to another."""

    source: str
    target: str
    amount: int


BankingCommand: TypeAlias = OpenAccount | CloseAccount | DepositMoney | WithdrawMoney | TransferMoney


# Refusals


class NoSuchAccount(DomainError):
    """There is no such account."""

    account: str


class AccountIsClosed(DomainError):
    """The account was closed, for good."""

    account: str


class ImpossibleAmount(DomainError):
    """An amount is one cent at least, and no more than one booking may move."""

    amount: int
    most: int


class InsufficientFunds(DomainError):
    """The account has less than that."""

    balance: int
    wanted: int


class SameAccount(DomainError):
    """A transfer has two accounts."""

    account: str


class MoneyLeft(DomainError):
    """There is money in the account: an account is empty when it is closed."""

    balance: int


# Decision: may this money move?


@dataclass(frozen=True, slots=True)
class Account:
    """What the facts that were folded tell of an account.

    Attributes:
        net: What they put into it less what they took out, in cents.
    """

    is_open: bool
    net: int

    @property
    def balance(self) -> int:
        """What it has, if all of its facts were folded."""
        return self.net


@dataclass(frozen=True, slots=True)
class Ledger:
    """The accounts whose opening is among the facts that were folded.

    A query asks for no more than can change its answer. So whether an account is open is right for each that
    the command names; the balance is right for that which the money is taken from, and for no other.
    """

    accounts: Mapping[str, Account]

    def of(self, account: str) -> Account:
        """Return an account that is open; raise NoSuchAccount or AccountIsClosed."""
        if (found := self.accounts.get(account)) is None:
            raise NoSuchAccount(account=account)
        if not found.is_open:
            raise AccountIsClosed(account=account)
        return found

    def opened(self, account: str) -> Ledger:
        """Return the ledger with another account."""
        return Ledger({account: Account(is_open=True, net=0), **self.accounts})

    def closed(self, account: str) -> Ledger:
        """Return the ledger after an account was closed."""
        return self._changed(account, lambda before: replace(before, is_open=False))

    def booked(self, account: str, gain: int) -> Ledger:
        """Return the ledger after a booking. Of other accounts than its own it knows nothing."""
        return self._changed(account, lambda before: replace(before, net=before.net + gain))

    def _changed(self, account: str, change: Callable[[Account], Account]) -> Ledger:
        before = self.accounts.get(account)
        return self if before is None else Ledger({**self.accounts, account: change(before)})


def decide(ledger: Ledger, command: BankingCommand) -> list[BankingFact]:
    """Move the money, or refuse."""
    match command:
        case OpenAccount(account):
            return _open(ledger, account)
        case CloseAccount(account):
            return _close(ledger, account)
        case DepositMoney(account, amount):
            _refuse_impossible(amount)
            ledger.of(account)
            return [MoneyDeposited(account, amount)]
        case WithdrawMoney(account, amount):
            _refuse_impossible(amount)
            _refuse_overdraft(ledger, account, amount)
            return [MoneyWithdrawn(account, amount)]
        case TransferMoney():
            return _transfer(ledger, command)


def _open(ledger: Ledger, account: str) -> list[BankingFact]:
    if account not in ledger.accounts:
        return [AccountOpened(account)]
    ledger.of(account)  # one that was closed stays so
    return []


def _close(ledger: Ledger, account: str) -> list[BankingFact]:
    if balance := ledger.of(account).balance:
        raise MoneyLeft(balance=balance)
    return [AccountClosed(account)]


def _transfer(ledger: Ledger, command: TransferMoney) -> list[BankingFact]:
    if command.source == command.target:
        raise SameAccount(account=command.source)
    _refuse_impossible(command.amount)
    ledger.of(command.target)
    _refuse_overdraft(ledger, command.source, command.amount)
    return [MoneyTransferred(command.source, command.target, command.amount)]


def _refuse_impossible(amount: int) -> None:
    if not 1 <= amount <= AMOUNT_MAX:
        raise ImpossibleAmount(amount=amount, most=AMOUNT_MAX)


def _refuse_overdraft(ledger: Ledger, account: str, amount: int) -> None:
    if (balance := ledger.of(account).balance) < amount:
        raise InsufficientFunds(balance=balance, wanted=amount)


def evolve(ledger: Ledger, fact: BankingFact) -> Ledger:
    """Fold one fact into the ledger."""
    match fact:
        case AccountOpened(account):
            return ledger.opened(account)
        case AccountClosed(account):
            return ledger.closed(account)
        case MoneyDeposited(account, amount):
            return ledger.booked(account, amount)
        case MoneyWithdrawn(account, amount):
            return ledger.booked(account, -amount)
        case MoneyTransferred(source, target, amount):
            return ledger.booked(source, -amount).booked(target, amount)


accounting: Decider[BankingCommand, Ledger, BankingFact] = Decider(
    initial=Ledger({}), decide=decide, evolve=evolve
)


def opening_context(command: OpenAccount) -> Query:
    """Return the facts that can change whether this account may open: whether it was opened or closed."""
    return Query.of(_life_of(command.account))


def deposit_context(command: DepositMoney) -> Query:
    """Return the facts that can change whether money may be put into this account.

    How much there is already changes nothing, so two deposits at once do not disturb each other.
    """
    return Query.of(_life_of(command.account))


def withdrawal_context(command: WithdrawMoney) -> Query:
    """Return the facts that can change whether this account has so much: all of its own."""
    return facts_of_account(command.account)


def transfer_context(command: TransferMoney) -> Query:
    """Return the facts that can change whether this money may move, an item for each account.

    The source has to have the money: all of its facts count. The target has only to be open: how much it has
    changes nothing, so whatever else is put into it or taken out of it meanwhile is none of this transfer's
    business.
    """
    return Query.of(_all_of(command.source), _life_of(command.target))


def closing_context(command: CloseAccount) -> Query:
    """Return the facts that can change whether this account may be closed: all of its own."""
    return facts_of_account(command.account)


def facts_of_account(account: str) -> Query:
    """Return the facts about one account, transfers of both directions among them."""
    return Query.of(_all_of(account))


def every_account() -> Query:
    """Return the facts about all accounts."""
    return Query.of(QueryItem(types=[*_LIFE, *_BOOKINGS]))


def every_booking() -> Query:
    """Return the facts that moved money."""
    return Query.of(QueryItem(types=_BOOKINGS))


def _all_of(account: str) -> QueryItem:
    return QueryItem(types=[*_LIFE, *_BOOKINGS], tags=[f"account:{account}"])


def _life_of(account: str) -> QueryItem:
    return QueryItem(types=_LIFE, tags=[f"account:{account}"])


# Views: each folds the facts of one row. A transfer is in two rows, so a row knows whose it is.


def accounts_of(recorded: Recorded[BankingFact]) -> list[str]:
    """Return the accounts that the fact is about."""
    match recorded.event:
        case MoneyTransferred(source, target):
            return [source, target]
        case AccountOpened(account) | AccountClosed(account):
            return [account]
        case MoneyDeposited(account) | MoneyWithdrawn(account):
            return [account]


def gain_of(account: str, fact: BankingFact) -> int:
    """Return how much more an account has after a fact; less is negative."""
    match fact:
        case MoneyDeposited(amount=amount):
            return amount
        case MoneyWithdrawn(amount=amount):
            return -amount
        case MoneyTransferred(source, target, amount):
            return amount * ((account == target) - (account == source))
        case _:
            return 0


@dataclass(frozen=True, slots=True)
class AccountRow:
    """What an account has."""

    account: str
    balance: int
    is_open: bool


def new_account_row(account: str) -> AccountRow:
    """Return the row of an account before its first fact."""
    return AccountRow(account, balance=0, is_open=True)


def evolve_account_row(row: AccountRow, recorded: Recorded[BankingFact]) -> AccountRow:
    """Fold one fact into the row of one of its accounts."""
    if isinstance(recorded.event, AccountClosed):
        return replace(row, is_open=False)
    return replace(row, balance=row.balance + gain_of(row.account, recorded.event))


account_row: View[AccountRow, Recorded[BankingFact]] = View(
    initial=new_account_row(""), evolve=evolve_account_row
)


@dataclass(frozen=True, slots=True)
class Month:
    """What came into an account in one month, and what went out."""

    account: str
    paid_in: int
    paid_out: int
    bookings: int


def months_of(recorded: Recorded[Booking]) -> list[tuple[str, date]]:
    """Return, for each account of a booking, the account and the first day of its month (UTC)."""
    month = recorded.recorded_at.astimezone(UTC).date().replace(day=1)
    return [(account, month) for account in accounts_of(recorded)]


def first_month(key: tuple[str, date]) -> Month:
    """Return the month of an account before its first booking."""
    return Month(account=key[0], paid_in=0, paid_out=0, bookings=0)


def evolve_month(month: Month, recorded: Recorded[Booking]) -> Month:
    """Add one booking to the month of one of its accounts."""
    gain = gain_of(month.account, recorded.event)
    return replace(
        month,
        paid_in=month.paid_in + max(gain, 0),
        paid_out=month.paid_out + max(-gain, 0),
        bookings=month.bookings + 1,
    )


month_totals: View[Month, Recorded[Booking]] = View(
    initial=Month(account="", paid_in=0, paid_out=0, bookings=0), evolve=evolve_month
)


# A view of all accounts at once, for whoever has the facts and no table


def evolve_ledger(ledger: Ledger, recorded: Recorded[BankingFact]) -> Ledger:
    """Fold one fact into the ledger."""
    return evolve(ledger, recorded.event)


whole_ledger: View[Ledger, Recorded[BankingFact]] = View(initial=accounting.initial, evolve=evolve_ledger)

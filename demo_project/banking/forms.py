"""What the pages of banking ask for: a form for each command."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.http import QueryDict

from demo_project.banking.domain import (
    BankingCommand,
    CloseAccount,
    DepositMoney,
    ImpossibleAmount,
    InsufficientFunds,
    MoneyLeft,
    OpenAccount,
    TransferMoney,
    WithdrawMoney,
    accounting,
    closing_context,
    deposit_context,
    opening_context,
    transfer_context,
    withdrawal_context,
)
from demo_project.command_form import NAME_MAX_LENGTH, CommandForm, NameField
from demo_project.money import AmountField, euros
from factos_django import DomainError
from factos_django.dispatch import Dispatched

__all__ = ["ACTIONS", "AccountForm", "CloseForm", "DepositForm", "OpenForm", "TransferForm", "WithdrawForm"]


class BankingForm(CommandForm):
    """A command of banking. Its refusals name amounts, and people read euros."""

    decider = accounting

    def refused(self, refusal: DomainError) -> str:
        """Return why, with the amounts."""
        match refusal:
            case InsufficientFunds(balance=balance, wanted=wanted):
                return f"{refusal} It has {euros(balance)}, and {euros(wanted)} is wanted."
            case MoneyLeft(balance=balance):
                return f"{refusal} It has {euros(balance)}."
            case ImpossibleAmount(most=most):
                return f"{refusal} That is {euros(most)}."
        return str(refusal)


class OpenForm(BankingForm):
    """A new account."""

    query = opening_context
    account = NameField()

    def command(self) -> OpenAccount:
        """Return the command."""
        return OpenAccount(self.cleaned_data["account"])

    def told(self, done: Dispatched[Any]) -> str:
        """Return what was done."""
        account = self.cleaned_data["account"]
        return (
            f"{account} is open, as fact #{done.position}." if done.events else f"{account} is open already."
        )


class AccountForm(BankingForm):
    """A command of the account whose page it is on."""

    action: ClassVar[str]
    heading: ClassVar[str]
    button: ClassVar[str]
    #: What its query asks for, in a sentence.
    note: ClassVar[str]

    def __init__(self, account: str, data: QueryDict | None = None) -> None:
        super().__init__(data, auto_id=f"{self.action}-%s")
        self.account = account

    def told(self, done: Dispatched[Any]) -> str:
        """Return what was done."""
        return f"It is done, as fact #{done.position}."


class DepositForm(AccountForm):
    """Money that comes."""

    action, heading, button = "deposit", "Put money in", "Deposit"
    note = "It depends on whether the account is open, and on nothing else."
    query = deposit_context
    amount = AmountField(initial="25.00")

    def command(self) -> DepositMoney:
        """Return the command."""
        return DepositMoney(self.account, self.cleaned_data["amount"])


class WithdrawForm(AccountForm):
    """Money that goes."""

    action, heading, button = "withdraw", "Take money out", "Withdraw"
    note = "It depends on all that happened to this account."
    query = withdrawal_context
    amount = AmountField(initial="10.00")

    def command(self) -> WithdrawMoney:
        """Return the command."""
        return WithdrawMoney(self.account, self.cleaned_data["amount"])


class TransferForm(AccountForm):
    """Money that goes to another account."""

    action, heading, button = "transfer", "Send money", "Transfer"
    note = "It depends on all that happened to this account, and on whether the other one is open."
    query = transfer_context
    target = forms.CharField(
        label="To", max_length=NAME_MAX_LENGTH, widget=forms.TextInput(attrs={"list": "others"})
    )
    amount = AmountField(initial="10.00")

    def command(self) -> TransferMoney:
        """Return the command."""
        return TransferMoney(self.account, self.cleaned_data["target"], self.cleaned_data["amount"])


class CloseForm(AccountForm):
    """The end of an account."""

    action, heading, button = "close", "Close the account", "Close it for good"
    note = "It depends on all that happened to this account: there is nothing left in it."
    query = closing_context

    def command(self) -> BankingCommand:
        """Return the command."""
        return CloseAccount(self.account)


#: The forms of an account's page, by what their buttons ask for.
ACTIONS: dict[str, type[AccountForm]] = {
    form.action: form for form in (DepositForm, WithdrawForm, TransferForm, CloseForm)
}

"""The commands of banking over HTTP, and their addresses. In the demo anybody may send them."""

from __future__ import annotations

from django.urls import path
from rest_framework.permissions import AllowAny

from demo_project.banking.domain import (
    CloseAccount,
    DepositMoney,
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
from factos_django.rest_framework import CommandAPIView

__all__ = [
    "CloseAccountView",
    "DepositMoneyView",
    "OpenAccountView",
    "TransferMoneyView",
    "WithdrawMoneyView",
]


class BankingView(CommandAPIView):
    """A command of banking."""

    decider = accounting
    permission_classes = [AllowAny]


class OpenAccountView(BankingView):
    """Opens an account."""

    command = OpenAccount
    query = opening_context


class CloseAccountView(BankingView):
    """Closes an account that has nothing in it, for good."""

    command = CloseAccount
    query = closing_context


class DepositMoneyView(BankingView):
    """Puts money into an account. Amounts are whole cents."""

    command = DepositMoney
    query = deposit_context


class WithdrawMoneyView(BankingView):
    """Takes money out of an account, if it has so much. Amounts are whole cents."""

    command = WithdrawMoney
    query = withdrawal_context


class TransferMoneyView(BankingView):
    """Moves money from one account to another, if the first has so much. Amounts are whole cents."""

    command = TransferMoney
    query = transfer_context


app_name = "banking"

urlpatterns = [
    path("open-account/", OpenAccountView.as_view(), name="open-account"),
    path("close-account/", CloseAccountView.as_view(), name="close-account"),
    path("deposit-money/", DepositMoneyView.as_view(), name="deposit-money"),
    path("withdraw-money/", WithdrawMoneyView.as_view(), name="withdraw-money"),
    path("transfer-money/", TransferMoneyView.as_view(), name="transfer-money"),
]

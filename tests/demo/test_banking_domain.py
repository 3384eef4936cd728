from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from demo_project.banking.domain import (
    AMOUNT_MAX,
    Account,
    AccountClosed,
    AccountIsClosed,
    AccountOpened,
    AccountRow,
    CloseAccount,
    DepositMoney,
    ImpossibleAmount,
    InsufficientFunds,
    Ledger,
    MoneyDeposited,
    MoneyLeft,
    MoneyTransferred,
    MoneyWithdrawn,
    Month,
    NoSuchAccount,
    OpenAccount,
    SameAccount,
    TransferMoney,
    WithdrawMoney,
    account_row,
    accounting,
    accounts_of,
    closing_context,
    deposit_context,
    every_account,
    every_booking,
    facts_of_account,
    first_month,
    month_totals,
    months_of,
    new_account_row,
    opening_context,
    transfer_context,
    whole_ledger,
    withdrawal_context,
)
from factos_django import View
from factos_django.core.satisfiability import unsatisfiable_items
from factos_django.testing import given
from tests.demo.stored import matched, stored_as

CONTEXTS = {
    OpenAccount: opening_context,
    CloseAccount: closing_context,
    DepositMoney: deposit_context,
    WithdrawMoney: withdrawal_context,
    TransferMoney: transfer_context,
}

ELSEWHERE = (AccountOpened("eve"), MoneyDeposited("eve", 900), MoneyWithdrawn("eve", 1))
ADA = (AccountOpened("ada"), MoneyDeposited("ada", 100))
BOB = (AccountOpened("bob"),)


def context_of(command):
    return CONTEXTS[type(command)](command)


def when(command, *facts):
    """What comes of a command, among facts of another account."""
    return given(*ELSEWHERE, *facts).when(command, decider=accounting, query=context_of)


def test_an_account_is_opened_once():
    when(OpenAccount("ada")).then(AccountOpened("ada"))
    when(OpenAccount("ada"), *ADA).then_nothing()


def test_money_is_put_in_and_taken_out():
    when(DepositMoney("ada", 5), *ADA).then(MoneyDeposited("ada", 5))
    when(WithdrawMoney("ada", 100), *ADA).then(MoneyWithdrawn("ada", 100))


def test_an_account_cannot_spend_more_than_it_has():
    when(WithdrawMoney("ada", 101), *ADA).then_raises(InsufficientFunds(balance=100, wanted=101))
    when(TransferMoney("ada", "bob", 101), *ADA, *BOB).then_raises(InsufficientFunds(balance=100, wanted=101))


def test_a_transfer_is_one_fact_about_both_accounts():
    when(TransferMoney("ada", "bob", 60), *ADA, *BOB).then(MoneyTransferred("ada", "bob", 60))


def test_what_was_transferred_is_gone_from_one_account_and_can_be_spent_from_the_other():
    moved = (*ADA, *BOB, MoneyTransferred("ada", "bob", 60))
    when(WithdrawMoney("ada", 41), *moved).then_raises(InsufficientFunds(balance=40, wanted=41))
    when(WithdrawMoney("bob", 60), *moved).then(MoneyWithdrawn("bob", 60))
    when(TransferMoney("bob", "ada", 60), *moved).then(MoneyTransferred("bob", "ada", 60))


def test_a_withdrawal_leaves_less_to_transfer():
    history = (*ADA, *BOB, MoneyWithdrawn("ada", 50))
    when(TransferMoney("ada", "bob", 51), *history).then_raises(InsufficientFunds(balance=50, wanted=51))


def test_a_transfer_has_two_accounts():
    when(TransferMoney("ada", "ada", 1), *ADA).then_raises(SameAccount(account="ada"))


@pytest.mark.parametrize(
    ("command", "missing"),
    [
        (DepositMoney("bob", 1), "bob"),
        (WithdrawMoney("bob", 1), "bob"),
        (TransferMoney("ada", "bob", 1), "bob"),
        (TransferMoney("bob", "ada", 1), "bob"),
        (CloseAccount("bob"), "bob"),
    ],
)
def test_an_account_that_was_not_opened_takes_and_gives_nothing(command, missing):
    when(command, *ADA).then_raises(NoSuchAccount(account=missing))


@pytest.mark.parametrize(
    "command",
    [
        DepositMoney("bob", 1),
        WithdrawMoney("bob", 1),
        TransferMoney("ada", "bob", 1),
        TransferMoney("bob", "ada", 1),
        CloseAccount("bob"),
        OpenAccount("bob"),
    ],
)
def test_an_account_that_was_closed_stays_so(command):
    when(command, *ADA, *BOB, AccountClosed("bob")).then_raises(AccountIsClosed(account="bob"))


def test_a_target_that_had_money_from_the_source_and_was_closed_is_closed():
    history = (*ADA, *BOB, MoneyTransferred("ada", "bob", 1), MoneyWithdrawn("bob", 1), AccountClosed("bob"))
    when(TransferMoney("ada", "bob", 1), *history).then_raises(AccountIsClosed(account="bob"))


def test_an_account_is_closed_when_there_is_nothing_in_it():
    when(CloseAccount("ada"), *ADA).then_raises(MoneyLeft(balance=100))
    when(CloseAccount("ada"), *ADA, MoneyWithdrawn("ada", 100)).then(AccountClosed("ada"))


@pytest.mark.parametrize("amount", [0, -1, AMOUNT_MAX + 1])
@pytest.mark.parametrize(
    "command", [DepositMoney("ada", 1), WithdrawMoney("ada", 1), TransferMoney("ada", "bob", 1)]
)
def test_an_amount_is_more_than_nothing_and_no_more_than_one_booking_may_move(command, amount):
    refused = ImpossibleAmount(amount=amount, most=AMOUNT_MAX)
    when(replace(command, amount=amount), *ADA, *BOB).then_raises(refused)


def test_the_most_that_one_booking_may_move_is_moved():
    when(DepositMoney("ada", AMOUNT_MAX), *ADA).then(MoneyDeposited("ada", AMOUNT_MAX))


FACTS = {
    "opened": AccountOpened("ada"),
    "closed": AccountClosed("ada"),
    "in": MoneyDeposited("ada", 1),
    "out": MoneyWithdrawn("ada", 1),
    "to bob": MoneyTransferred("ada", "bob", 1),
    "from bob": MoneyTransferred("bob", "ada", 1),
    "bob opened": AccountOpened("bob"),
    "bob closed": AccountClosed("bob"),
    "bob in": MoneyDeposited("bob", 1),
    "bob out": MoneyWithdrawn("bob", 1),
    "bob to eve": MoneyTransferred("bob", "eve", 1),
    "eve in": MoneyDeposited("eve", 1),
}
OF_ADA = {"opened", "closed", "in", "out", "to bob", "from bob"}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (opening_context(OpenAccount("ada")), {"opened", "closed"}),
        (deposit_context(DepositMoney("ada", 1)), {"opened", "closed"}),
        (withdrawal_context(WithdrawMoney("ada", 1)), OF_ADA),
        (closing_context(CloseAccount("ada")), OF_ADA),
        (transfer_context(TransferMoney("ada", "bob", 1)), OF_ADA | {"bob opened", "bob closed"}),
        (facts_of_account("ada"), OF_ADA),
        (every_account(), set(FACTS)),
        (every_booking(), {name for name in FACTS if "opened" not in name and "closed" not in name}),
    ],
    ids=["opening", "deposit", "withdrawal", "closing", "transfer", "account", "accounts", "bookings"],
)
def test_a_query_matches_the_facts_that_it_should(query, expected):
    assert matched(query, FACTS) == expected
    assert unsatisfiable_items(query) == ()


def test_facts_are_stored_under_these_names_and_fields():
    """They are in databases: a change needs a new version and an upcaster."""
    assert stored_as(FACTS["opened"], FACTS["closed"], FACTS["in"], FACTS["out"], FACTS["to bob"]) == {
        "banking.AccountOpened": ["account"],
        "banking.AccountClosed": ["account"],
        "banking.MoneyDeposited": ["account", "amount"],
        "banking.MoneyWithdrawn": ["account", "amount"],
        "banking.MoneyTransferred": ["source", "target", "amount"],
    }


HISTORY = (*ADA, *BOB, MoneyTransferred("ada", "bob", 60), MoneyWithdrawn("bob", 10))


def row_of(account):
    """The view of one account: as the projection folds it, from the facts of that row alone."""
    facts = [each.event for each in given(*HISTORY).facts if account in accounts_of(each)]
    view = View(initial=new_account_row(account), evolve=account_row.evolve)
    return given(*facts).project(view)


def test_a_transfer_is_in_the_rows_of_both_accounts():
    row_of("ada").then(AccountRow("ada", balance=40, is_open=True))
    row_of("bob").then(AccountRow("bob", balance=50, is_open=True))


def test_the_row_of_a_closed_account_says_so():
    given(AccountOpened("ada"), AccountClosed("ada")).project(
        View(initial=new_account_row("ada"), evolve=account_row.evolve)
    ).then(AccountRow("ada", balance=0, is_open=False))


def test_a_month_counts_what_came_in_and_what_went_out():
    view = View(initial=first_month(("bob", date(2026, 11, 1))), evolve=month_totals.evolve)
    bookings = (MoneyDeposited("bob", 5), MoneyTransferred("ada", "bob", 60), MoneyWithdrawn("bob", 10))
    given(*bookings).project(view).then(Month("bob", paid_in=65, paid_out=10, bookings=3))


def test_a_booking_belongs_to_the_month_of_its_accounts_in_utc():
    [moved] = given(MoneyTransferred("ada", "bob", 1)).facts
    moved = replace(moved, recorded_at=datetime.fromisoformat("2026-12-01T00:30:00+01:00"))
    assert months_of(moved) == [("ada", date(2026, 11, 1)), ("bob", date(2026, 11, 1))]
    moved = replace(moved, recorded_at=datetime(2026, 12, 1, tzinfo=UTC))
    assert months_of(moved) == [("ada", date(2026, 12, 1)), ("bob", date(2026, 12, 1))]


def test_the_ledger_knows_nothing_of_accounts_that_nobody_asked_about():
    moved = (*ADA, MoneyTransferred("ada", "bob", 60), MoneyTransferred("bob", "ada", 10))
    given(*moved).project(whole_ledger).then(Ledger({"ada": Account(is_open=True, net=50)}))


def test_the_whole_ledger_has_all_accounts():
    given(*HISTORY).project(whole_ledger).then(
        Ledger({"ada": Account(is_open=True, net=40), "bob": Account(is_open=True, net=50)})
    )

"""The banking domain, simulated: no overdraft, and no cent that comes from nowhere or goes there."""

import pytest

from demo_project.banking.domain import (
    AccountClosed,
    AccountOpened,
    CloseAccount,
    DepositMoney,
    MoneyDeposited,
    MoneyTransferred,
    MoneyWithdrawn,
    OpenAccount,
    TransferMoney,
    WithdrawMoney,
    accounting,
    closing_context,
    deposit_context,
    opening_context,
    transfer_context,
    whole_ledger,
    withdrawal_context,
)
from factos_django import Query, QueryItem, project
from factos_django.testing import CommandKind, Invariant, SimulationFailed, assert_sound_context, simulate

ACCOUNTS = ("ada", "bob", "eve", "ida")

#: Where each run begins: with money, or there would be nothing to move for long.
BEGINNING = [fact for name in ("ada", "bob") for fact in (AccountOpened(name), MoneyDeposited(name, 60))]


def openings(random):
    return OpenAccount(random.choice(ACCOUNTS))


def closings(random):
    return CloseAccount(random.choice(ACCOUNTS))


def deposits(random):
    return DepositMoney(random.choice(ACCOUNTS), random.randint(0, 50))


def withdrawals(random):
    return WithdrawMoney(random.choice(ACCOUNTS), random.randint(1, 50))


def transfers(random):
    return TransferMoney(random.choice(ACCOUNTS), random.choice(ACCOUNTS), random.randint(1, 50))


def no_overdraft(ledger):
    """No account has less than nothing, and a closed one has nothing."""
    for name, account in ledger.accounts.items():
        if account.balance < 0 or (account.balance and not account.is_open):
            return f"{name}: {account}"
    return None


def no_cent_is_lost(facts):
    events = [each.event for each in facts]
    came = sum(each.amount for each in events if isinstance(each, MoneyDeposited))
    went = sum(each.amount for each in events if isinstance(each, MoneyWithdrawn))
    held = sum(account.balance for account in project(whole_ledger, facts).accounts.values())
    assert held == came - went, f"{came} came and {went} went, and the accounts have {held}"


def without_transfers(command):
    """Too narrow: what was transferred before counts as well."""
    types = [AccountOpened, AccountClosed, MoneyDeposited, MoneyWithdrawn]
    return Query.of(
        QueryItem(types=types, tags=[f"account:{command.source}"]),
        QueryItem(types=[AccountOpened, AccountClosed], tags=[f"account:{command.target}"]),
    )


def without_target(command):
    """Too narrow: it never hears that the target was opened, and was closed."""
    return withdrawal_context(WithdrawMoney(command.source, command.amount))


CONTEXTS = (
    (OpenAccount, openings, opening_context, 1),
    (CloseAccount, closings, closing_context, 0.5),
    (DepositMoney, deposits, deposit_context, 3),
    (WithdrawMoney, withdrawals, withdrawal_context, 3),
    (TransferMoney, transfers, transfer_context, 6),
)


def banking(seed=1, steps=80, transferring=transfer_context):
    return simulate(
        seed,
        steps=steps,
        commands=[
            CommandKind(
                make,
                decider=accounting,
                query=transferring if make is transfers else query,
                weight=weight,
            )
            for _, make, query, weight in CONTEXTS
        ],
        invariants=[Invariant(no_overdraft, view=whole_ledger), no_cent_is_lost],
        given=BEGINNING,
    )


@pytest.mark.parametrize("seed", range(20))
def test_no_account_spends_more_than_it_has_and_no_cent_is_lost(seed):
    run = banking(seed)
    assert run.refusals["InsufficientFunds"] > 0
    assert any(isinstance(each.event, MoneyTransferred) for each in run.facts)


@pytest.mark.parametrize("seed", range(5))
def test_the_contexts_are_sound(seed):
    run = banking(seed)
    facts = [each.event for each in run.facts]
    for kind, _, query, _ in CONTEXTS:
        asked = [each for each in run.commands if isinstance(each, kind)][:4]
        assert_sound_context(given=facts, when=asked, decider=accounting, query=query)


def test_a_transfer_that_does_not_see_transfers_overdraws_and_is_printed_short():
    with pytest.raises(SimulationFailed) as failed:
        banking(transferring=without_transfers)
    assert "no_overdraft: " in str(failed.value)
    assert {type(each) for each in failed.value.commands} == {OpenAccount, TransferMoney}


@pytest.mark.parametrize("narrow", [without_transfers, without_target])
def test_a_query_that_is_too_narrow_is_found(narrow):
    history = [AccountOpened("ada"), MoneyDeposited("ada", 5), AccountOpened("bob")]
    moved = [MoneyTransferred("ada", "bob", 5)]
    with pytest.raises(AssertionError, match="the query does not see"):
        assert_sound_context(
            given=history + moved,
            when=[TransferMoney("ada", "bob", 5)],
            decider=accounting,
            query=narrow,
            wider=Query.all(),
        )

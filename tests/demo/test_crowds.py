"""Many who ask at once, on each database: judged from the log, and not by what they were told."""

from __future__ import annotations

import re
import threading
from collections import Counter
from dataclasses import replace
from functools import partial
from random import Random

import pytest
from django.test import Client

from demo_project.banking import spending
from demo_project.banking.domain import (
    AccountOpened,
    DepositMoney,
    MoneyDeposited,
    MoneyWithdrawn,
    TransferMoney,
    WithdrawMoney,
    accounting,
    deposit_context,
    transfer_context,
    whole_ledger,
    withdrawal_context,
)
from demo_project.banking.models import AccountBalance
from demo_project.banking.spending import spend_at_once
from demo_project.billing import month_end
from demo_project.billing.domain import (
    InvoiceIssued,
    InvoicePaid,
    InvoiceVoided,
    PayInvoice,
    VoidInvoice,
    numbering,
    settlement,
    settlement_context,
)
from demo_project.billing.models import BilledInvoice
from demo_project.billing.month_end import issue_at_once
from demo_project.crowd import AT_ONCE, crowd
from demo_project.registration import rush as rushing
from demo_project.registration.domain import UsernameRegistered, folded, usernames
from demo_project.registration.models import RegisteredMember
from demo_project.registration.rush import rush
from factos_django import Query, project
from factos_django.dispatch import dispatch
from factos_django.guards.log import LogGuardByRow
from factos_django.stamps import stamp
from factos_django.store import append, read
from tests.demo.answers import told
from tests.guards.sessions import PATIENCE
from tests.stores import on_databases
from tests.without_locks import without_locks

on_each = on_databases(also=["default"])
#: On SQLite a transaction that begins IMMEDIATE is alone anyway.
on_servers = on_databases("postgres", "mariadb", also=["default"])


def events_of(kind):
    return [each.event for each in read(Query.all()) if isinstance(each.event, kind)]


@on_each
def test_one_of_all_who_want_a_name_gets_it(on_store):
    done = rush("Renata", 40)
    assert (done.crowd.done, dict(done.crowd.refused), dict(done.crowd.failed)) == (
        1,
        {"UsernameTaken": 39},
        {},
    )
    [registered] = events_of(UsernameRegistered)
    assert folded(registered.username) == "renata"
    assert done.is_as_it_should_be
    assert done.in_words().startswith(
        "40 wanted Renata at once: 1 registered, 39 refused (UsernameTaken), in "
    )
    assert done.in_words().endswith(" seconds. By the log one member has it.")
    assert list(RegisteredMember.objects.values_list("folded", flat=True)) == ["renata"]


@on_databases("default")
def test_all_of_them_want_the_same_name(store):
    assert rush("\u0131da", 6).crowd.done == 1  # in capitals it would be another


@on_each
def test_what_is_there_is_spent_once(on_store):
    append([AccountOpened("ada"), MoneyDeposited("ada", 2500)])
    done = spend_at_once("ada", 40)
    assert (done.crowd.done, dict(done.crowd.refused), dict(done.crowd.failed)) == (
        1,
        {"InsufficientFunds": 39},
        {},
    )
    assert events_of(MoneyWithdrawn) == [MoneyWithdrawn("ada", 2500)]
    assert (done.left, done.is_as_it_should_be) == (0, True)
    assert done.in_words().startswith(
        "40 wanted €25.00 at once: 1 got it, 39 refused (InsufficientFunds), in "
    )
    assert done.in_words().endswith("The log leaves €0.00.")
    assert spend_at_once("ada", 2) is None


@on_each
def test_transfers_to_and_fro_overdraw_nothing_and_lose_no_cent(on_store):
    names, random = ("ada", "bob", "eve"), Random(8)
    append([AccountOpened(name) for name in names])
    append([MoneyDeposited(name, 500) for name in names])

    def ask():
        source, target = random.sample(names, 2)
        command, query = random.choice(
            [
                (TransferMoney(source, target, random.randint(1, 600)), transfer_context),
                (WithdrawMoney(source, random.randint(1, 300)), withdrawal_context),
                (DepositMoney(target, random.randint(1, 100)), deposit_context),
            ]
        )
        return partial(dispatch, command, decider=accounting, query=query)

    done = crowd([ask() for _ in range(90)])
    assert dict(done.failed) == {}
    assert set(done.refused) == {"InsufficientFunds"}
    ledger, least = whole_ledger.initial, 0
    for recorded in read(Query.all()):
        ledger = whole_ledger.evolve(ledger, recorded)
        least = min(least, *(account.balance for account in ledger.accounts.values()))
    assert least == 0
    rows = dict(AccountBalance.objects.values_list("account", "balance"))
    assert rows == {name: account.balance for name, account in ledger.accounts.items()}


@on_each
def test_numbers_have_no_gap_in_any_series(on_store):
    done = [issue_at_once("2026", 20), issue_at_once("2027", 3), issue_at_once("2026", 20)]
    assert [each.crowd.done for each in done] == [20, 3, 20]
    issued = events_of(InvoiceIssued)
    assert [each.number for each in issued if each.series == "2026"] == list(range(1, 41))
    assert [each.number for each in issued if each.series == "2027"] == [1, 2, 3]
    assert done[-1].is_as_it_should_be
    assert done[-1].in_words().startswith("20 at once: 20 issued, in ")
    assert done[-1].in_words().endswith("The log has numbers 1 to 40, none missing and none twice.")
    assert BilledInvoice.objects.count() == 43


@on_each
def test_an_invoice_that_some_pay_while_others_void_it_is_one_or_the_other(on_store):
    append([InvoiceIssued("2026", number, "ada", 100) for number in range(1, 6)])
    commands = [
        command
        for number in range(1, 6)
        for command in (PayInvoice("2026", number, 100), VoidInvoice("2026", number)) * 4
    ]
    done = crowd([partial(dispatch, each, decider=settlement, query=settlement_context) for each in commands])
    assert dict(done.failed) == {}
    settled = Counter(each.number for each in events_of((InvoicePaid, InvoiceVoided)))
    assert settled == dict.fromkeys(range(1, 6), 1)


# What the guard is for: without it each decides from the same facts, and the pages say what came of it.


def unguarded(monkeypatch, decider, many):
    """Take the guard away, and let all of them decide before the first of them records anything."""
    together, came = threading.Barrier(many), threading.Event()

    def decide(state, command):
        decided = decider.decide(state, command)
        if not came.is_set():  # whom a deadlock sends back decides alone
            together.wait(PATIENCE)
            came.set()
        return decided

    monkeypatch.setattr(LogGuardByRow, "hold", lambda self, using: None)
    return replace(decider, decide=decide)


@on_servers
def test_without_the_guard_money_is_spent_twice_and_the_page_says_so(on_store, monkeypatch):
    append([AccountOpened("ada"), MoneyDeposited("ada", 2500)])
    monkeypatch.setattr(spending, "accounting", unguarded(monkeypatch, accounting, 4))
    with without_locks(on_store.using):
        done = spend_at_once("ada", 4)
    assert len(events_of(MoneyWithdrawn)) == 4
    assert (done.left, done.is_as_it_should_be) == (-7500, False)
    assert done.in_words().endswith("The log leaves -€75.00.")


@on_servers
def test_without_the_guard_a_name_is_registered_twice_and_the_page_says_so(on_store, monkeypatch):
    monkeypatch.setattr(rushing, "usernames", unguarded(monkeypatch, usernames, 4))
    with without_locks(on_store.using):
        done = rush("renata", 4)
    assert (done.holders, done.is_as_it_should_be) == (4, False)
    assert done.in_words().endswith("By the log 4 MEMBERS HAVE it.")


@on_servers
def test_without_the_guard_a_number_is_given_twice_and_the_page_says_so(on_store, monkeypatch):
    monkeypatch.setattr(month_end, "numbering", unguarded(monkeypatch, numbering, 4))
    with without_locks(on_store.using):
        done = issue_at_once("2026", 4)
    assert done.numbers.count(1) > 1
    assert not done.is_as_it_should_be


@on_servers
def test_without_the_guard_an_invoice_is_paid_and_void(on_store, monkeypatch):
    append([InvoiceIssued("2026", 1, "ada", 100)])
    decider = unguarded(monkeypatch, settlement, 2)
    commands = [PayInvoice("2026", 1, 100), VoidInvoice("2026", 1)]
    with without_locks(on_store.using):
        crowd([partial(dispatch, each, decider=decider, query=settlement_context) for each in commands])
    settled = events_of((InvoicePaid, InvoiceVoided))
    assert {type(each) for each in settled} == {InvoicePaid, InvoiceVoided}


@on_servers
def test_without_the_guard_two_transfers_send_the_same_money(on_store, monkeypatch):
    append([AccountOpened(name) for name in ("ada", "bob", "eve")])
    append([MoneyDeposited("ada", 500)])
    decider = unguarded(monkeypatch, accounting, 2)
    commands = [TransferMoney("ada", target, 500) for target in ("bob", "eve")]
    with without_locks(on_store.using):
        crowd([partial(dispatch, each, decider=decider, query=transfer_context) for each in commands])
    assert project(whole_ledger, read(Query.all())).accounts["ada"].balance == -500


# The crowd itself


@on_databases("default")
def test_a_crowd_asks_at_once_and_each_answer_is_counted_under_its_name(store):
    there = threading.Barrier(AT_ONCE)

    def ask():
        there.wait(PATIENCE)  # nobody passes unless all are there at the same moment

    def fail():
        raise ZeroDivisionError

    done = crowd([ask] * AT_ONCE)
    assert (done.done, dict(done.failed)) == (AT_ONCE, {})
    done = crowd([fail, fail, lambda: None])
    assert (done.done, dict(done.refused), dict(done.failed)) == (1, {}, {"ZeroDivisionError": 2})
    assert done.in_words("paid").startswith("1 paid, 2 got no answer (ZeroDivisionError), in ")


@on_databases("default")
def test_what_a_crowd_records_has_one_correlation(store):
    with stamp(correlation_id="c-1"):
        issue_at_once("2026", 3)
    assert {each.metadata["correlation_id"] for each in read(Query.all())} == {"c-1"}


@on_each
@pytest.mark.parametrize(
    ("path", "sent", "expected"),
    [
        ("/accounts/ada/", {"do": "crowd"}, r"5 wanted €25\.00 at once: 1 got it, 4 refused"),
        ("/invoices/2026/", {}, r"5 at once: 5 issued, in .* The log has numbers 1 to 6, none missing and"),
        ("/names/at-once/", {"username": "Renata"}, "5 wanted Renata at once: 1 registered, 4 refused"),
    ],
)
def test_the_buttons_of_the_pages_let_a_crowd_in(on_store, path, sent, expected):
    append([AccountOpened("ada"), MoneyDeposited("ada", 2500), InvoiceIssued("2026", 1, "ada", 5)])
    page = Client().post(path, {"crowd": "5", **sent}, follow=True)
    assert page.status_code == 200
    assert re.match(expected, told(page)), told(page)

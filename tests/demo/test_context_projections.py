"""The tables of the contexts: what their rows say, and that a rebuild says the same."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import call_command

from demo_project.banking.domain import (
    AccountClosed,
    AccountOpened,
    MoneyDeposited,
    MoneyTransferred,
    MoneyWithdrawn,
)
from demo_project.banking.models import AccountBalance, AccountMonth
from demo_project.billing.domain import InvoiceIssued, InvoicePaid, InvoiceVoided
from demo_project.billing.models import BilledInvoice, SeriesRevenue
from demo_project.registration.domain import UsernameChanged, UsernameRegistered, UsernameReleased
from demo_project.registration.models import RegisteredMember
from factos_django.projections import catch_up
from factos_django.store import append
from tests.stores import on_databases

BANKING = [
    AccountOpened("ada"),
    AccountOpened("bob"),
    MoneyDeposited("ada", 100),
    MoneyTransferred("ada", "bob", 60),
    MoneyTransferred("bob", "ada", 5),
    MoneyWithdrawn("bob", 55),
    AccountClosed("bob"),
]
BILLING = [
    InvoiceIssued("2026", 1, "ada", 1200),
    InvoiceIssued("2026", 2, "bob", 300),
    InvoiceIssued("2025", 1, "bob", 5),
    InvoicePaid("2026", 1, 1200),
    InvoiceVoided("2026", 2),
]
REGISTRATION = [
    UsernameRegistered("m-1", "Ada"),
    UsernameRegistered("m-2", "grace"),
    UsernameChanged("m-1", "Ada", "Lovelace"),
    UsernameReleased("m-2", "grace"),
    UsernameRegistered("m-3", "ada"),
]


@on_databases()
@pytest.mark.parametrize("at_once", [True, False])
def test_the_rows_say_what_the_facts_do(store, at_once):
    facts = [*BANKING, *BILLING, *REGISTRATION]
    for each in [facts] if at_once else [[fact] for fact in facts]:
        append(each, using=store.using)

    def rows(model, *fields):
        return sorted(model.objects.using(store.using).values_list(*fields))

    assert rows(AccountBalance, "account", "balance", "is_open") == [("ada", 45, True), ("bob", 0, False)]
    assert rows(BilledInvoice, "series", "number", "customer", "amount", "status") == [
        ("2025", 1, "bob", 5, "open"),
        ("2026", 1, "ada", 1200, "paid"),
        ("2026", 2, "bob", 300, "void"),
    ]
    assert rows(RegisteredMember, "member", "username", "folded") == [
        ("m-1", "Lovelace", "lovelace"),
        ("m-3", "ada", "ada"),
    ]
    assert rows(AccountMonth, "account") == rows(SeriesRevenue, "series") == []
    catch_up("banking.months", "billing.revenue", using=store.using)
    assert rows(AccountMonth, "account", "paid_in", "paid_out", "bookings") == [
        ("ada", 105, 60, 3),
        ("bob", 60, 60, 3),
    ]
    assert rows(SeriesRevenue, "series", "issued", "invoiced", "paid", "received", "void") == [
        ("2025", 1, 5, 0, 0, 0),
        ("2026", 2, 1500, 1, 1200, 1),
    ]
    names = ["registration.members", "banking.balances", "banking.months", "billing.invoices"]
    call_command(
        "rebuild_projections", *names, "billing.revenue", "--check", database=store.using, stdout=StringIO()
    )

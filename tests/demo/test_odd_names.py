"""Whatever somebody types, on whichever database: the page says no, and breaks at nothing."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from django.test import Client

from demo_project.banking.domain import AccountOpened
from demo_project.billing.domain import InvoiceIssued
from demo_project.registration.domain import UsernameRegistered
from factos_django import Query
from factos_django.store import append, read
from tests.demo.answers import ODD_NAMES
from tests.stores import on_databases

pytestmark = pytest.mark.slow

#: Each form of the pages: where it is sent, what it says besides, and the fields that somebody fills in.
FORMS = [
    ("/names/", {}, ("username",)),
    ("/names/at-once/", {"username": " ", "crowd": "2"}, ("username", "crowd")),
    ("/names/members/m-1/", {"do": "change"}, ("username",)),
    ("/accounts/", {}, ("account",)),
    ("/accounts/ada/", {"do": "deposit"}, ("amount",)),
    ("/accounts/ada/", {"do": "transfer", "target": "nobody", "amount": "0"}, ("target", "amount")),
    ("/accounts/ada/", {"do": "crowd"}, ("crowd",)),
    ("/invoices/", {"amount": "0"}, ("series_named", "customer", "amount")),
    ("/invoices/2026/", {"amount": "0"}, ("customer", "amount")),
    ("/invoices/2026/1/", {}, ("amount",)),
]
PAGES = ("/names/members/{}/", "/accounts/{}/", "/invoices/{}/", "/invoices/{}/1/")
LISTS = ("/names/?find={}", "/accounts/?find={}", "/accounts/ada/?parts={}")
ODDER = [*ODD_NAMES, "%", "_", "\\", "'", '"', "\U0001f39f", "\ufdfa" * 99, "\u0130" * 120, str(2**64), "-1"]


@on_databases(also=["default"])
def test_no_page_breaks_at_an_odd_name(on_store):
    before = [AccountOpened("ada"), UsernameRegistered("m-1", "Ada"), InvoiceIssued("2026", 1, "ada", 5)]
    append(before)
    client = Client(raise_request_exception=False)
    for name in ODDER:
        for path, usual, fields in FORMS:
            for field in fields:
                sent = {**usual, field: name}
                assert client.post(path, sent).status_code < 500, (path, sent)
        for path in (*PAGES, *LISTS):
            assert client.get(path.format(quote(name, safe=""))).status_code < 500, (path, name)
    assert [each.event for each in read(Query.all())][: len(before)] == before

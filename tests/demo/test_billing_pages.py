from __future__ import annotations

import html
import re

import pytest
from django.test import Client

from demo_project.billing.domain import InvoiceIssued, InvoicePaid, InvoiceVoided
from demo_project.billing.forms import this_month
from factos_django import Query
from factos_django.projections import catch_up
from factos_django.store import append, read
from tests.demo.answers import ODD_NAMES, link_to, text_of, told

pytestmark = pytest.mark.django_db

FIRST = InvoiceIssued("2026", 1, "ada", 1990)
SERIES, INVOICE = "/invoices/2026/", "/invoices/2026/1/"


def recorded():
    return [each.event for each in read(Query.all())]


def post(client, path, **sent):
    return client.post(path, sent, follow=True)


def test_the_first_invoice_of_a_series_opens_its_page(client):
    page = post(client, "/invoices/", series_named="2026", customer="ada", amount="19.90")
    assert page.redirect_chain == [(SERIES, 302)]
    assert told(page).startswith("Invoice 2026-1 is issued, as fact #")
    assert "1 invoice, numbered 1 to 1: none is missing." in text_of(page)
    assert recorded() == [FIRST]


def test_the_form_offers_the_series_of_this_month(client):
    assert f'value="{this_month()}"' in client.get("/invoices/").content.decode()


def test_the_next_invoice_has_the_next_number(client):
    append([FIRST])
    page = post(client, SERIES, customer="bob", amount="5")
    assert told(page).startswith("Invoice 2026-2 is issued")
    assert "2 invoices, numbered 1 to 2: none is missing." in text_of(page)
    assert re.search(r"2026-2 bob €5\.00 Open Pay Void 2026-1 ada €19\.90 Open Pay Void", text_of(page))
    assert recorded()[-1] == InvoiceIssued("2026", 2, "bob", 500)


def test_a_series_with_a_gap_says_so(client):
    append([FIRST, InvoiceIssued("2026", 3, "ada", 5)])
    assert "2 invoices, numbered 1 to 3: some are missing." in text_of(client.get(SERIES))


def test_an_invoice_is_paid_by_the_button_of_the_list(client):
    append([FIRST])
    button = re.search(
        r'<button form="settle" formaction="([^"]+)" name="(\w+)" value="([^"]+)" aria-label="Pay 2026-1">',
        client.get(SERIES).content.decode(),
    )
    page = post(client, button[1], **{button[2]: button[3]})
    assert told(page).startswith("Invoice 2026-1 is paid, as fact #")
    assert "State Paid" in text_of(page)
    assert "Paid, €19.90" in text_of(page)
    assert recorded() == [FIRST, InvoicePaid("2026", 1, 1990)]
    assert "Pay 2026-1" not in client.get(SERIES).content.decode()


def test_a_void_invoice_cannot_be_paid(client):
    append([FIRST])
    assert told(post(client, INVOICE, void="1")) == "Invoice 2026-1 is void."
    assert told(post(client, INVOICE, void="1")) == "Invoice 2026-1 is void already."
    page = post(client, INVOICE, amount="19.90")
    assert page.status_code == 422
    assert told(page) == "Refused (InvoiceIsVoid): The invoice is void: nobody owes its money."
    assert "InvoiceIsVoid(series='2026', number=1)" in text_of(page)
    assert recorded() == [FIRST, InvoiceVoided("2026", 1)]


def test_a_paid_invoice_is_neither_paid_again_nor_voided(client):
    append([FIRST, InvoicePaid("2026", 1, 1990)])
    for sent in ({"amount": "19.90"}, {"void": "1"}):
        page = post(client, INVOICE, **sent)
        assert (page.status_code, told(page)) == (422, "Refused (AlreadyPaid): The invoice is paid already.")


def test_another_amount_than_is_due_is_refused_and_shown_again(client):
    append([FIRST])
    page = post(client, INVOICE, amount="19.89")
    assert page.status_code == 422
    assert told(page).endswith("€19.90 is due, and €19.89 came.")
    assert 'value="19.89"' in page.content.decode()
    assert 'value="19.90"' in client.get(INVOICE).content.decode()


@pytest.mark.parametrize("amount", ["", "ten", "1.001", "NaN", "\0"])
@pytest.mark.parametrize("path", [SERIES, INVOICE, "/invoices/"])
def test_what_is_no_amount_is_told_at_its_field(client, path, amount):
    append([FIRST])
    page = post(client, path, customer="ada", series_named="2026", amount=amount)
    assert page.status_code == 400
    assert told(page) == "Nothing was recorded: see below."
    assert 'aria-invalid="true"' in page.content.decode()
    assert recorded() == [FIRST]


def test_an_invoice_about_nothing_is_refused(client):
    append([FIRST])
    page = post(client, SERIES, customer="ada", amount="0")
    assert (page.status_code, told(page).split(":")[0]) == (422, "Refused (ImpossibleAmount)")


@pytest.mark.parametrize("name", ODD_NAMES)
@pytest.mark.parametrize("field", ["series_named", "customer"])
def test_an_odd_name_is_told_at_its_field_and_issues_nothing(client, field, name):
    sent = {"series_named": "2026", "customer": "ada", "amount": "1", field: name}
    page = post(client, "/invoices/", **sent)
    assert (page.status_code, told(page)) == (400, "Nothing was recorded: see below.")
    assert 'class="errorlist"' in page.content.decode()
    assert recorded() == []


@pytest.mark.parametrize("name", ["a/b", "ünïcode 🎟", "50%", "a?b#c", "<b>&\"'", "2026 07"])
def test_a_series_of_any_name_is_linked_escaped_and_found(client, name):
    append([InvoiceIssued(name, 1, name, 5)])
    page = client.get(link_to(client.get("/invoices/"), html.escape(name)))
    assert f"Invoices {name} 1 invoice" in text_of(page)
    page = client.get(link_to(page, html.escape(f"{name}-1")))
    assert f"Invoice {name}-1 Customer {name}" in text_of(page)
    assert "<b>" not in page.content.decode()


@pytest.mark.parametrize(
    "path",
    ["1999/", "2026/2/", "2026/0/", f"2026/{10**30}/", "%00/", "%00/1/", "a%01b/1/", f"{'x' * 300}/"],
)
def test_what_was_not_issued_is_not_found(client, path):
    append([FIRST])
    assert client.get(f"/invoices/{path}").status_code == 404
    assert client.post(f"/invoices/{path}", {"void": "1"}).status_code == 404


def test_what_nobody_can_do_is_not_found(client):
    append([FIRST])
    assert client.post(INVOICE, {"do": "steal"}).status_code == 404
    assert client.delete(INVOICE).status_code == 405


def test_a_form_without_its_token_does_nothing():
    append([FIRST])
    strict = Client(enforce_csrf_checks=True)
    for path in ("/invoices/", SERIES, INVOICE):
        sent = {"customer": "ada", "series_named": "2026", "amount": "19.90", "crowd": "2"}
        assert strict.post(path, sent).status_code == 403
    assert recorded() == [FIRST]


@pytest.mark.parametrize("crowd", ["", "1", "101", "many"])
def test_so_many_are_not_issued_at_once(client, crowd):
    append([FIRST])
    page = post(client, SERIES, crowd=crowd)
    assert told(page) == "Nothing was recorded: 2 to 100 are issued at once."
    assert recorded() == [FIRST]


def test_what_lies_behind_the_next_number_is_the_series_and_behind_a_payment_the_invoice(client):
    append([FIRST, InvoiceIssued("2026", 2, "bob", 5), InvoiceVoided("2026", 2)])
    text = text_of(client.get(SERIES))
    assert "billing.InvoiceIssued , tagged series:2026" in text
    assert "Series(last=2)" in text
    assert "InvoiceIssued(series='2026', number=3, customer='renata'" in text
    text = text_of(client.get("/invoices/2026/2/"))
    assert (
        "billing.InvoiceIssued or billing.InvoicePaid or billing.InvoiceVoided , tagged invoice:2026-2"
        in text
    )
    assert "2 match, newest first" in text


def test_the_revenue_is_shown_up_to_where_the_follower_has_come(client):
    append([FIRST, InvoicePaid("2026", 1, 1990)])
    assert "python manage.py run_projections" in text_of(client.get(SERIES))
    [caught_up] = catch_up("billing.revenue")
    text = text_of(client.get(SERIES))
    assert "Invoiced €19.90 Received €19.90 Paid 1 Void 0" in text
    assert f"applied the log up to #{caught_up.position}." in text


def test_the_parts_that_change_are_had_alone(client):
    append([FIRST])
    parts = client.get(f"{SERIES}?parts").content.decode()
    assert re.findall(r'data-part="(\w+)"', parts) == ["numbered", "invoices", "behind"]
    assert "<html" not in parts


def test_the_pages_need_no_inline_style_or_script(client):
    append([FIRST])
    for address in ("/invoices/", SERIES, INVOICE):
        page = client.get(address).content.decode()
        assert not re.search(r"<script(?! src=)|<style|\sstyle=|\son\w+=|javascript:", page)
        assert page.count("<h1") == 1
        ids = re.findall(r'\sid="([^"]+)"', page)
        assert len(ids) == len(set(ids))

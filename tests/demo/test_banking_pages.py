from __future__ import annotations

import html
import re

import pytest
from django.test import Client

from demo_project.banking.domain import (
    AccountClosed,
    AccountOpened,
    MoneyDeposited,
    MoneyTransferred,
    MoneyWithdrawn,
)
from demo_project.crowd import AT_ONCE
from demo_project.money import AmountField, euros
from factos_django import Query, StoreBusy
from factos_django.projections import catch_up
from factos_django.store import append, read
from tests.demo.answers import ODD_NAMES, link_to, text_of, told

pytestmark = pytest.mark.django_db

ADA = "/accounts/ada/"
HISTORY = (AccountOpened("ada"), AccountOpened("bob"), MoneyDeposited("ada", 2500))


def recorded():
    return [each.event for each in read(Query.all())]


def do(client, action, path=ADA, **sent):
    return client.post(path, {"do": action, **sent}, follow=True)


def test_an_account_is_opened_and_shown(client):
    page = client.post("/accounts/", {"account": "Ada Lovelace"}, follow=True)
    assert page.redirect_chain == [("/accounts/Ada%20Lovelace/", 302)]
    assert told(page) == f"Ada Lovelace is open, as fact #{next(read(Query.all())).position}."
    assert "Ada Lovelace €0.00 to spend" in text_of(page)
    again = client.post("/accounts/", {"account": "Ada Lovelace"}, follow=True)
    assert told(again) == "Ada Lovelace is open already."
    assert recorded() == [AccountOpened("Ada Lovelace")]


def test_the_accounts_are_listed_those_first_where_something_happened_last(client):
    append([*HISTORY, AccountOpened("eve"), AccountClosed("eve"), MoneyDeposited("bob", 5)])
    text = text_of(client.get("/accounts/"))
    assert "bob €0.05 Open eve €0.00 Closed ada €25.00 Open" in text
    assert "bob" not in text_of(client.get("/accounts/?find=a")).split("All accounts")[1]
    assert "No account begins so." in text_of(client.get("/accounts/?find=z"))
    assert client.get("/accounts/?find=%00").status_code == 200
    assert client.get(f"/accounts/?find={'x' * 300}").status_code == 200


def test_money_comes_and_goes_and_is_sent(client):
    append(HISTORY)
    assert told(do(client, "deposit", amount="10.50")).startswith("It is done, as fact #")
    do(client, "withdraw", amount="5")
    page = do(client, "transfer", target="bob", amount="0.50")
    assert "€30.00 to spend" in text_of(page)
    assert recorded()[3:] == [
        MoneyDeposited("ada", 1050),
        MoneyWithdrawn("ada", 500),
        MoneyTransferred("ada", "bob", 50),
    ]


def test_an_account_shows_its_history_from_its_side(client):
    append([*HISTORY, MoneyTransferred("ada", "bob", 600), MoneyWithdrawn("bob", 100), AccountOpened("eve")])
    ada, bob = text_of(client.get(ADA)), text_of(client.get("/accounts/bob/"))
    assert re.search(r"#\d+ To bob -€6\.00 \S+ \S+ UTC #\d+ Deposited \+€25\.00 .* Opened", ada)
    assert re.search(r"#\d+ Withdrawn -€1\.00 \S+ \S+ UTC #\d+ From ada \+€6\.00 .* Opened", bob)
    assert link_to(client.get(ADA), "bob") == "/accounts/bob/"


@pytest.mark.parametrize(
    ("action", "sent", "code", "why"),
    [
        ("withdraw", {"amount": "25.01"}, "InsufficientFunds", "It has €25.00, and €25.01 is wanted."),
        ("transfer", {"amount": "99", "target": "bob"}, "InsufficientFunds", "It has €25.00, and €99.00"),
        ("transfer", {"amount": "1", "target": "eve"}, "NoSuchAccount", "There is no such account."),
        ("transfer", {"amount": "1", "target": "ada"}, "SameAccount", "A transfer has two accounts."),
        ("deposit", {"amount": "0"}, "ImpossibleAmount", "That is €10,000,000.00."),
        ("deposit", {"amount": "-1"}, "ImpossibleAmount", "One cent"),
        ("deposit", {"amount": "10000000.01"}, "ImpossibleAmount", "no more"),
        ("close", {}, "MoneyLeft", "It has €25.00."),
    ],
)
def test_what_is_refused_says_why_and_shows_what_was_typed_and_what_lies_behind(
    client, action, sent, code, why
):
    append(HISTORY)
    page = do(client, action, **sent)
    assert page.status_code == 422
    assert told(page).startswith(f"Refused ({code}): ")
    assert why.lower() in told(page).lower()
    assert f"Refused. {told(page).removeprefix(f'Refused ({code}): ')[:20]}" in text_of(page)
    for value in sent.values():
        assert f'value="{value}"' in page.content.decode()
    assert recorded() == list(HISTORY)


@pytest.mark.parametrize("amount", ["", "ten", "1.001", "NaN", "Infinity", "1e3000", "9" * 40, "\0"])
def test_what_is_no_amount_is_told_at_its_field(client, amount):
    append(HISTORY)
    page = do(client, "deposit", amount=amount)
    assert page.status_code == 400
    assert told(page) == "Nothing was recorded: see below."
    field = re.search(r'<input[^>]*id="deposit-amount"[^>]*>', page.content.decode())
    assert 'aria-invalid="true"' in field[0]
    assert recorded() == list(HISTORY)


@pytest.mark.parametrize("name", ODD_NAMES)
def test_an_odd_name_is_told_at_its_field_and_opens_nothing(client, name):
    page = client.post("/accounts/", {"account": name})
    assert page.status_code == 400
    assert told(page) == "Nothing was recorded: see below."
    assert 'class="errorlist"' in page.content.decode()
    assert recorded() == []


@pytest.mark.parametrize("name", ODD_NAMES)
def test_an_odd_target_is_refused(client, name):
    append(HISTORY)
    assert do(client, "transfer", target=name, amount="1").status_code in (400, 422)
    assert recorded() == list(HISTORY)


@pytest.mark.parametrize("name", ["a/b", "ünïcode 🎟", "50%", "a?b#c", "<b>&\"'", "a.b"])
def test_an_account_of_any_name_is_linked_escaped_and_found(client, name):
    append([AccountOpened(name)])
    page = client.get(link_to(client.get("/accounts/"), html.escape(name)))
    assert page.status_code == 200
    assert f"{name} €0.00" in text_of(page)
    assert "<b>" not in page.content.decode()


@pytest.mark.parametrize("name", ["nowhere", "ADA", "ada%20", "%00", "a%01b", "x" * 300, ".", ".."])
def test_an_unknown_or_impossible_account_is_not_found(client, name):
    append(HISTORY)
    assert client.get(f"/accounts/{name}/").status_code == 404
    assert client.post(f"/accounts/{name}/", {"do": "close"}).status_code == 404


def test_what_nobody_can_do_is_not_found(client):
    append(HISTORY)
    assert client.post(ADA, {"do": "steal"}).status_code == 404
    assert client.post(ADA).status_code == 404
    assert client.put(ADA).status_code == 405


def test_a_form_without_its_token_does_nothing():
    append(HISTORY)
    strict = Client(enforce_csrf_checks=True)
    for path, sent in ((ADA, {"do": "withdraw", "amount": "1"}), ("/accounts/", {"account": "eve"})):
        assert strict.post(path, sent).status_code == 403
    page = strict.get(ADA).content.decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
    forms = page.count('<form method="post"')
    assert page.count("csrfmiddlewaretoken") == forms == 5
    sent = {"do": "withdraw", "amount": "1", "csrfmiddlewaretoken": token[1]}
    assert strict.post(ADA, sent).status_code == 302


def test_a_store_that_is_busy_says_so(client, monkeypatch):
    append(HISTORY)

    def busy(*_, **__):
        raise StoreBusy(using="default", seconds=5.0)

    monkeypatch.setattr("demo_project.command_form.dispatch", busy)
    page = do(client, "deposit", amount="1")
    assert (page.status_code, told(page)) == (
        503,
        "Others were in the way, and nothing was recorded. Try it again.",
    )


def test_what_lies_behind_a_transfer_asks_of_the_other_account_only_whether_it_is_open(client):
    append([*HISTORY, MoneyDeposited("bob", 77)])
    text = text_of(client.get(ADA))
    assert "TransferMoney(source='ada', target='bob', amount=1000)" in text
    assert "banking.AccountClosed or banking.AccountOpened , tagged account:bob" in text
    assert "MoneyDeposited(account='bob'" not in text
    assert "Accepted." in text


def test_the_months_are_shown_up_to_where_the_follower_has_come(client):
    append(HISTORY)
    assert "python manage.py run_projections" in text_of(client.get(ADA))
    [caught_up] = catch_up("banking.months")
    text = text_of(client.get(ADA))
    assert f"applied the log up to #{caught_up.position} Month Came Went Bookings" in text
    assert re.search(r"\d{4}-\d\d €25\.00 €0\.00 1 ", text)


def test_the_page_says_over_how_many_connections_a_crowd_comes(client):
    append(HISTORY)
    assert f"at once, over {AT_ONCE} database connections." in text_of(client.get(ADA))


def test_the_parts_that_change_are_had_alone(client):
    append(HISTORY)
    parts = client.get(f"{ADA}?parts").content.decode()
    assert re.findall(r'data-part="(\w+)"', parts) == ["balance", "history", "behind"]
    assert "<html" not in parts
    whole = client.get(ADA).content.decode()
    assert all(part in whole for part in re.findall(r'data-part="\w+"', parts))


def test_the_pages_need_no_inline_style_or_script(client):
    append(HISTORY)
    for address in ("/accounts/", ADA):
        page = client.get(address).content.decode()
        assert not re.search(r"<script(?! src=)|<style|\sstyle=|\son\w+=|javascript:", page)
        assert page.count("<h1") == 1
        ids = re.findall(r'\sid="([^"]+)"', page)
        assert len(ids) == len(set(ids))


def test_amounts_are_written_in_euros_and_read_as_cents():
    assert [euros(each) for each in (0, 5, 100, -1, -12345, 123456789)] == [
        "€0.00",
        "€0.05",
        "€1.00",
        "-€0.01",
        "-€123.45",
        "€1,234,567.89",
    ]
    assert [AmountField().clean(each) for each in ("0.01", "1", "19.90", "-2.5")] == [1, 100, 1990, -250]

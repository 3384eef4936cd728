"""The commands of registration, banking and billing over HTTP."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from demo_project.banking.domain import AccountOpened, MoneyDeposited, MoneyTransferred
from demo_project.billing.domain import InvoiceIssued, InvoiceVoided
from demo_project.registration.domain import UsernameRegistered
from demo_project.settings import FACTOS_API_PERMISSIONS
from factos_django import Query
from factos_django.store import append, read

pytestmark = pytest.mark.django_db

PATHS = {
    "registration": ("register-username", "change-username", "release-username"),
    "banking": ("open-account", "close-account", "deposit-money", "withdraw-money", "transfer-money"),
    "billing": ("issue-invoice", "pay-invoice", "void-invoice"),
}


@pytest.fixture
def anybody():
    return APIClient(enforce_csrf_checks=True)


@pytest.fixture
def send(anybody):
    """Sends a command: ``send("banking/open-account", account="ada")``."""
    return lambda name, /, **command: anybody.post(f"/commands/{name}/", command, format="json")


def recorded():
    return [each.event for each in read(Query.all())]


def refusal(answer):
    return answer.status_code, answer.json()["code"], answer.json()["fields"]


def test_a_name_is_registered_once_whatever_its_spelling(send):
    assert send("registration/register-username", member="m-1", username="Ada").status_code == 201
    again = send("registration/register-username", member="m-1", username="Ada")
    assert (again.status_code, again.json()["events"]) == (200, [])
    taken = send("registration/register-username", member="m-2", username="ADA")
    assert refusal(taken) == (422, "UsernameTaken", {"username": "ADA"})
    assert send("registration/change-username", member="m-1", username="Lovelace").status_code == 201
    assert send("registration/register-username", member="m-2", username="ADA").status_code == 201
    assert send("registration/release-username", member="m-2").status_code == 201
    gone = send("registration/release-username", member="m-2")
    assert refusal(gone) == (422, "NotRegistered", {"member": "m-2"})


def test_an_account_spends_what_it_has(send):
    for account in ("ada", "bob"):
        assert send("banking/open-account", account=account).status_code == 201
    assert send("banking/deposit-money", account="ada", amount=100).status_code == 201
    assert send("banking/transfer-money", source="ada", target="bob", amount=60).status_code == 201
    refused = send("banking/withdraw-money", account="ada", amount=41)
    assert refusal(refused) == (422, "InsufficientFunds", {"balance": 40, "wanted": 41})
    refused = send("banking/transfer-money", source="ada", target="eve", amount=1)
    assert refusal(refused) == (422, "NoSuchAccount", {"account": "eve"})
    assert refusal(send("banking/close-account", account="bob")) == (422, "MoneyLeft", {"balance": 60})
    assert send("banking/withdraw-money", account="bob", amount=60).status_code == 201
    assert send("banking/close-account", account="bob").status_code == 201
    assert recorded()[2:4] == [MoneyDeposited("ada", 100), MoneyTransferred("ada", "bob", 60)]


def test_invoices_are_numbered_and_a_void_one_is_not_paid(send):
    for amount in (1200, 300):
        sent = send("billing/issue-invoice", series="2026", customer="ada", amount=amount)
        assert sent.status_code == 201
    assert recorded() == [InvoiceIssued("2026", 1, "ada", 1200), InvoiceIssued("2026", 2, "ada", 300)]
    assert send("billing/void-invoice", series="2026", number=2).status_code == 201
    assert send("billing/void-invoice", series="2026", number=2).status_code == 200
    void = send("billing/pay-invoice", series="2026", number=2, amount=300)
    assert refusal(void) == (422, "InvoiceIsVoid", {"series": "2026", "number": 2})
    short = send("billing/pay-invoice", series="2026", number=1, amount=1)
    assert refusal(short) == (422, "NotTheAmount", {"due": 1200, "paid": 1})
    assert send("billing/pay-invoice", series="2026", number=1, amount=1200).status_code == 201
    assert refusal(send("billing/void-invoice", series="2026", number=1))[1] == "AlreadyPaid"
    assert recorded()[2] == InvoiceVoided("2026", 2)


@pytest.mark.parametrize("name", ["x" * 300, "a\0b", "a\x01b"])
def test_what_no_tag_can_hold_is_not_taken(send, name):
    for path, command in (
        ("registration/register-username", {"member": "m-1", "username": name}),
        ("registration/register-username", {"member": name, "username": "ada"}),
        ("banking/open-account", {"account": name}),
        ("banking/transfer-money", {"source": "ada", "target": name, "amount": 1}),
        ("billing/issue-invoice", {"series": name, "customer": "ada", "amount": 1}),
        ("billing/pay-invoice", {"series": name, "number": 1, "amount": 1}),
    ):
        assert send(path, **command).status_code == 400, path
    assert recorded() == []


def test_an_empty_name_is_not_taken(send):
    assert send("banking/open-account", account="").status_code == 400
    assert send("billing/issue-invoice", series="2026", customer="", amount=1).status_code == 400
    assert send("registration/register-username", member="", username="ada").status_code == 400
    assert refusal(send("registration/register-username", member="m", username=""))[1] == "NotAUsername"
    assert recorded() == []


@pytest.mark.parametrize("amount", ["1", 1.5, None, True, 10**40])
def test_an_amount_is_a_whole_number(send, amount):
    append([AccountOpened("ada")])
    answer = send("banking/deposit-money", account="ada", amount=amount)
    assert answer.status_code == (422 if amount == 10**40 else 400)
    assert recorded() == [AccountOpened("ada")]


def test_a_command_that_is_sent_twice_under_one_key_counts_once(anybody):
    append([AccountOpened("ada")])
    for _ in range(2):
        answer = anybody.post(
            "/commands/banking/deposit-money/",
            {"account": "ada", "amount": 100},
            format="json",
            headers={"Idempotency-Key": "slip-1"},
        )
        assert answer.status_code == 201
    assert recorded() == [AccountOpened("ada"), MoneyDeposited("ada", 100)]


def test_whoever_is_logged_in_by_a_session_needs_the_token(anybody, send):
    anybody.force_login(User.objects.create_user("ada"))
    assert send("banking/open-account", account="ada").status_code == 403


def test_the_commands_are_described_at_their_addresses(client, settings):
    settings.FACTOS_API_PERMISSIONS = FACTOS_API_PERMISSIONS
    described = client.get("/commands/schema/").json()["paths"]
    for context, names in PATHS.items():
        for name in names:
            post = described[f"/commands/{context}/{name}/"]["post"]
            assert post["operationId"] == name.replace("-", "_")
            assert post["description"]


def test_a_refusal_of_one_context_is_none_of_another(send):
    """A member, an account and a customer of one name have nothing to do with each other."""
    append([UsernameRegistered("ada", "ada"), InvoiceIssued("ada", 1, "ada", 5)])
    assert send("banking/open-account", account="ada").status_code == 201

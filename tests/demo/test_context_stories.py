"""What visitors do with names, accounts and invoices, walked through by a browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from demo_project.banking.domain import (
    AccountOpened,
    DepositMoney,
    MoneyDeposited,
    MoneyWithdrawn,
    accounting,
    deposit_context,
)
from demo_project.billing.domain import InvoiceIssued, InvoicePaid, InvoiceVoided
from demo_project.registration.domain import UsernameChanged, UsernameRegistered
from factos_django import Query
from factos_django.dispatch import dispatch
from factos_django.projections import catch_up
from factos_django.store import append, read
from tests.browser import Browser, Visit, in_browser


@pytest.fixture
def visitor(browser: Browser, demo: str) -> Iterator[Callable[..., Visit]]:
    """Lets visitors in, each with a browser of their own: ``visitor(color_scheme="dark")``."""
    with ExitStack() as visits:
        yield lambda **options: visits.enter_context(browser.visit(demo, **options))


def press(visit: Visit, button: str) -> None:
    visit.page.get_by_role("button", name=button, exact=True).click()


def told(visit: Visit, text: str) -> None:
    """Wait until this is what came of what was pressed."""
    visit.expect(visit.page.get_by_role("status").filter(has_text=text)).to_be_visible()


def refused(visit: Visit, code: str) -> None:
    """Wait until it was refused, and forget that the console told the status."""
    told(visit, f"Refused ({code})")
    panel = visit.page.get_by_role("region", name="Behind")
    visit.expect(panel.get_by_text(f"{code}(")).to_be_visible()
    assert [each for each in visit.problems if "422" not in each] == []
    visit.problems.clear()


def events() -> list[Any]:
    return [each.event for each in read(Query.all())]


@in_browser()
def test_a_visitor_registers_a_name_and_changes_it_and_a_crowd_gets_the_old_one_once(visitor, store):
    visit = visitor()
    visit.open("/")
    visit.page.get_by_role("navigation").get_by_role("link", name="Names").click()
    visit.page.get_by_label("Username").first.fill("Renata")
    press(visit, "Is it free?")
    visit.expect(visit.page.get_by_text("Accepted.")).to_be_visible()
    assert events() == []
    press(visit, "Register")
    told(visit, "Renata is registered")
    visit.page.get_by_label("Username").fill("Tata")
    press(visit, "Change it")
    told(visit, "The name is Tata now")
    visit.expect(visit.page.get_by_role("heading", level=1, name="Tata")).to_be_visible()
    visit.page.get_by_role("navigation").get_by_role("link", name="Names").click()
    visit.page.get_by_label("Username").first.fill("TATA")
    press(visit, "Register")
    refused(visit, "UsernameTaken")
    press(visit, "Let them register")
    told(visit, "50 wanted Renata at once: 1 registered, 49 refused (UsernameTaken)")
    first, changed, *crowd = events()
    assert (first.username, changed) == ("Renata", UsernameChanged(first.member, "Renata", "Tata"))
    assert [each.username.casefold() for each in crowd] == ["renata"]


@in_browser()
def test_a_visitor_moves_money_and_cannot_spend_it_twice(visitor, store):
    append([AccountOpened("bob")])
    visit = visitor()
    visit.open("/accounts/")
    visit.page.get_by_label("Account").fill("ada")
    press(visit, "Open it")
    told(visit, "ada is open")
    press(visit, "Deposit")
    visit.expect(visit.page.get_by_text("€25.00", exact=True)).to_be_visible()
    visit.page.get_by_label("To", exact=False).fill("bob")
    press(visit, "Transfer")
    visit.expect(visit.page.get_by_text("€15.00", exact=True)).to_be_visible()
    visit.page.locator("#withdraw-amount").fill("15.01")
    press(visit, "Withdraw")
    refused(visit, "InsufficientFunds")
    press(visit, "Let them spend it")
    told(visit, "20 wanted €15.00 at once: 1 got it, 19 refused (InsufficientFunds)")
    assert [each for each in events() if isinstance(each, MoneyWithdrawn)] == [MoneyWithdrawn("ada", 1500)]
    visit.page.get_by_role("link", name="bob").first.click()
    visit.expect(visit.page.get_by_role("rowheader", name="From ada")).to_be_visible()


@in_browser()
def test_an_account_is_shown_live(visitor, store):
    append([AccountOpened("ada")])
    visit = visitor()
    visit.open("/accounts/ada/")
    visit.expect(visit.page.get_by_text("€0.00", exact=True)).to_be_visible()
    dispatch(DepositMoney("ada", 500), decider=accounting, query=deposit_context)
    visit.expect(visit.page.get_by_text("€5.00", exact=True)).to_be_visible()
    visit.expect(visit.page.get_by_role("rowheader", name="Deposited")).to_be_visible()


@in_browser("postgres")
def test_what_an_open_append_holds_back_is_shown_when_it_is_there(visitor, session, store):
    append([AccountOpened("ada")])
    other = session("other")
    other.begin()
    other.run(other.log.append, [AccountOpened("eve")])
    dispatch(DepositMoney("ada", 500), decider=accounting, query=deposit_context)
    visit = visitor()
    visit.open("/accounts/ada/")
    visit.expect(visit.page.get_by_text("€5.00", exact=True)).to_be_visible()  # written with the fact
    visit.expect(visit.page.get_by_role("rowheader", name="Opened")).to_be_visible()
    visit.expect(visit.page.get_by_role("rowheader", name="Deposited")).to_have_count(0)
    other.commit()
    visit.expect(visit.page.get_by_role("rowheader", name="Deposited")).to_be_visible()


@in_browser()
def test_a_visitor_issues_invoices_without_a_gap_and_cannot_pay_a_void_one(visitor, store):
    visit = visitor()
    visit.open("/invoices/")
    visit.page.get_by_label("Series").fill("2026")
    press(visit, "Issue it")
    told(visit, "Invoice 2026-1 is issued")
    press(visit, "Issue them")
    told(visit, "20 at once: 20 issued")
    visit.expect(visit.page.get_by_text("21 invoices, numbered 1 to 21: none is missing.")).to_be_visible()
    press(visit, "Pay 2026-21")
    told(visit, "Invoice 2026-21 is paid")
    visit.page.get_by_role("link", name="Invoices 2026").click()
    press(visit, "Void 2026-20")
    told(visit, "Invoice 2026-20 is void")
    press(visit, "Pay")
    refused(visit, "InvoiceIsVoid")
    issued = [each.number for each in events() if isinstance(each, InvoiceIssued)]
    assert issued == list(range(1, 22))
    assert [each for each in events() if not isinstance(each, InvoiceIssued)] == [
        InvoicePaid("2026", 21, 1990),
        InvoiceVoided("2026", 20),
    ]


PAGES = ["/names/", "/names/members/m-1/", "/accounts/", "/accounts/ada/", "/invoices/"]
PAGES += ["/invoices/2026/", "/invoices/2026/1/"]


@in_browser("default")
@pytest.mark.parametrize("path", PAGES)
def test_the_pages_are_made_for_narrow_and_for_dark_screens(visitor, store, path):
    name = "x" * 100
    append([UsernameRegistered("m-1", "Ada"), UsernameRegistered(name, "wide" * 7)])
    append([AccountOpened("ada"), AccountOpened(name), MoneyDeposited("ada", 10**9)])
    append([InvoiceIssued("2026", number, name, 10**9) for number in range(1, 8)])
    catch_up()
    for scheme in ("light", "dark"):
        visit = visitor(color_scheme=scheme, viewport={"width": 360, "height": 700})
        visit.open(path)
        assert visit.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), scheme


@in_browser("default")
def test_without_scripts_all_of_it_works_as_well(visitor, store):
    append([AccountOpened("ada")])
    visit = visitor(java_script_enabled=False)
    visit.open("/accounts/ada/")
    press(visit, "Deposit")
    told(visit, "It is done")
    visit.open("/invoices/")
    press(visit, "Issue it")
    told(visit, "is issued")
    visit.page.get_by_role("button", name="Void", exact=False).first.click()
    told(visit, "is void")
    visit.open("/names/")
    visit.page.get_by_label("Username").first.fill("Ada")
    press(visit, "Register")
    told(visit, "Ada is registered")

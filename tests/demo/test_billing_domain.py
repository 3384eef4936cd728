from dataclasses import replace

import pytest

from demo_project.billing.domain import (
    AMOUNT_MAX,
    AlreadyPaid,
    ImpossibleAmount,
    Invoice,
    InvoiceIssued,
    InvoiceIsVoid,
    InvoicePaid,
    InvoiceVoided,
    IssueInvoice,
    NoSuchInvoice,
    NotTheAmount,
    PayInvoice,
    Revenue,
    Status,
    VoidInvoice,
    every_invoice,
    facts_of_invoice,
    invoice_of,
    invoice_row,
    invoices_issued,
    issuing_context,
    numbering,
    revenue_of_series,
    series_of,
    settlement,
    settlement_context,
)
from factos_django.core.satisfiability import unsatisfiable_items
from factos_django.testing import CommandKind, assert_sound_context, given, simulate
from tests.demo.stored import matched, stored_as

FIRST = InvoiceIssued("2026", 1, "ada", 1200)
PAID = InvoicePaid("2026", 1, 1200)
VOIDED = InvoiceVoided("2026", 1)
ELSEWHERE = (
    InvoiceIssued("2025", 1, "ada", 1200),
    InvoiceIssued("2025", 2, "ada", 1200),
    InvoiceVoided("2025", 1),
    InvoicePaid("2025", 2, 1200),
)


def issue(*facts, amount=500):
    """What comes of an invoice to bob, among facts of another series."""
    command = IssueInvoice("2026", "bob", amount)
    return given(*ELSEWHERE, *facts).when(command, decider=numbering, query=issuing_context)


def settle(command, *facts):
    """What comes of a payment or a voiding, among facts of other invoices."""
    others = (*ELSEWHERE, InvoiceIssued("2026", 11, "bob", 1))
    return given(*others, *facts).when(command, decider=settlement, query=settlement_context)


PAY, VOID = PayInvoice("2026", 1, 1200), VoidInvoice("2026", 1)


def test_the_first_invoice_of_a_series_is_number_1():
    issue().then(InvoiceIssued("2026", 1, "bob", 500))


def test_the_next_number_follows_the_last():
    issue(FIRST, replace(FIRST, number=2)).then(InvoiceIssued("2026", 3, "bob", 500))


def test_a_void_invoice_keeps_its_number():
    issue(FIRST, VOIDED).then(InvoiceIssued("2026", 2, "bob", 500))


@pytest.mark.parametrize("amount", [0, -1, AMOUNT_MAX + 1])
def test_an_invoice_is_about_an_amount_that_can_be(amount):
    issue(amount=amount).then_raises(ImpossibleAmount(amount=amount, most=AMOUNT_MAX))


def test_an_invoice_is_paid_in_full():
    settle(PAY, FIRST).then(PAID)


@pytest.mark.parametrize("amount", [1199, 1201])
def test_another_amount_than_is_due_pays_nothing(amount):
    settle(replace(PAY, amount=amount), FIRST).then_raises(NotTheAmount(due=1200, paid=amount))


def test_an_invoice_cannot_be_paid_after_it_was_voided():
    settle(PAY, FIRST, VOIDED).then_raises(InvoiceIsVoid(series="2026", number=1))


def test_an_invoice_is_paid_once():
    settle(PAY, FIRST, PAID).then_raises(AlreadyPaid(series="2026", number=1))


def test_an_open_invoice_is_voided_and_a_void_one_again_is_nothing_to_do():
    settle(VOID, FIRST).then(VOIDED)
    settle(VOID, FIRST, VOIDED).then_nothing()


def test_a_paid_invoice_is_not_voided():
    settle(VOID, FIRST, PAID).then_raises(AlreadyPaid(series="2026", number=1))


@pytest.mark.parametrize("command", [PAY, VOID])
def test_a_number_without_an_invoice_is_neither_paid_nor_voided(command):
    settle(command).then_raises(NoSuchInvoice(series="2026", number=1))


FACTS = {
    "issued": FIRST,
    "paid": PAID,
    "voided": VOIDED,
    "next": replace(FIRST, number=2),
    "next paid": replace(PAID, number=2),
    "eleventh": replace(FIRST, number=11),
    "elsewhere": ELSEWHERE[0],
}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (issuing_context(IssueInvoice("2026", "bob", 1)), {"issued", "next", "eleventh"}),
        (settlement_context(PAY), {"issued", "paid", "voided"}),
        (settlement_context(VOID), {"issued", "paid", "voided"}),
        (facts_of_invoice("2026", 2), {"next", "next paid"}),
        (invoices_issued("2025"), {"elsewhere"}),
        (every_invoice(), set(FACTS)),
    ],
    ids=["issuing", "payment", "voiding", "invoice", "series", "all"],
)
def test_a_query_matches_the_facts_that_it_should(query, expected):
    assert matched(query, FACTS) == expected
    assert unsatisfiable_items(query) == ()


def test_facts_are_stored_under_these_names_and_fields():
    """They are in databases: a change needs a new version and an upcaster."""
    assert stored_as(FIRST, PAID, VOIDED) == {
        "billing.InvoiceIssued": ["series", "number", "customer", "amount"],
        "billing.InvoicePaid": ["series", "number", "amount"],
        "billing.InvoiceVoided": ["series", "number"],
    }


def test_the_row_of_an_invoice_says_what_became_of_it():
    given(FIRST).project(invoice_row).then(Invoice("ada", 1200, Status.OPEN))
    given(FIRST, PAID).project(invoice_row).then(Invoice("ada", 1200, Status.PAID))
    given(FIRST, VOIDED).project(invoice_row).then(Invoice("ada", 1200, Status.VOID))
    assert [invoice_of(each) for each in given(FIRST, PAID, VOIDED).facts] == [("2026", 1)] * 3


def test_the_revenue_of_a_series_counts_what_was_asked_for_and_what_came():
    facts = (FIRST, replace(FIRST, number=2, amount=300), PAID, replace(VOIDED, number=2))
    given(*facts).project(revenue_of_series).then(
        Revenue(issued=2, invoiced=1500, paid=1, received=1200, void=1)
    )
    assert {series_of(each) for each in given(*facts).facts} == {"2026"}


# Simulated


def issues(random):
    return IssueInvoice(random.choice(("2025", "2026")), "ada", random.randint(1, 2))


def payments(random):
    return PayInvoice(random.choice(("2025", "2026")), random.randint(1, 4), random.randint(1, 2))


def voidings(random):
    return VoidInvoice(random.choice(("2025", "2026")), random.randint(1, 4))


def numbered_without_gaps(facts):
    issued = [each.event for each in facts if isinstance(each.event, InvoiceIssued)]
    for series in {each.series for each in issued}:
        numbers = [each.number for each in issued if each.series == series]
        assert numbers == list(range(1, len(numbers) + 1)), f"{series}: {numbers}"


def settled_once(facts):
    settled = [invoice_of(each) for each in facts if not isinstance(each.event, InvoiceIssued)]
    assert len(settled) == len(set(settled)), f"paid or voided: {settled}"


@pytest.mark.parametrize("seed", range(10))
def test_numbers_have_no_gaps_and_no_void_invoice_is_paid(seed):
    run = simulate(
        seed,
        steps=60,
        commands=[
            CommandKind(issues, decider=numbering, query=issuing_context),
            CommandKind(payments, decider=settlement, query=settlement_context, weight=2),
            CommandKind(voidings, decider=settlement, query=settlement_context),
        ],
        invariants=[numbered_without_gaps, settled_once],
    )
    assert run.refusals["NoSuchInvoice"] > 0
    facts = [each.event for each in run.facts]
    asked = [each for each in run.commands if isinstance(each, IssueInvoice)][:5]
    assert_sound_context(given=facts, when=asked, decider=numbering, query=issuing_context)
    asked = [each for each in run.commands if not isinstance(each, IssueInvoice)][:8]
    assert_sound_context(given=facts, when=asked, decider=settlement, query=settlement_context)

"""Invoices: their numbers have no gaps, and a void one is not paid. Pure; nothing here knows Django.

An invoice is known by its series and its number in it. Amounts are whole cents.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import TypeAlias

from factos_django import Decider, DomainError, Query, QueryItem, Recorded, View, event_type

__all__ = [
    "AMOUNT_MAX",
    "AlreadyPaid",
    "BillingFact",
    "ImpossibleAmount",
    "Invoice",
    "InvoiceIsVoid",
    "InvoiceIssued",
    "InvoicePaid",
    "InvoiceVoided",
    "IssueInvoice",
    "NoSuchInvoice",
    "NotTheAmount",
    "PayInvoice",
    "Revenue",
    "Series",
    "SettlementCommand",
    "Status",
    "VoidInvoice",
    "every_invoice",
    "facts_of_invoice",
    "invoice_of",
    "invoice_row",
    "invoices_issued",
    "issuing_context",
    "numbering",
    "revenue_of_series",
    "series_of",
    "settlement",
    "settlement_context",
]

#: The most that one invoice is about, so that no sum of them is too large for a column.
AMOUNT_MAX = 10_000_000_00


# Facts. What is paid and what is void is asked for by invoice, so these facts do not carry the tag of the
# series: no payment waits for an invoice that is being numbered.


@event_type(
    "billing.InvoiceIssued",
    version=1,
    tags=("series:{series}", "invoice:{series}-{number}", "customer:{customer}"),
)
@dataclass(frozen=True, slots=True)
class InvoiceIssued:
    """A customer was asked for money, under the next number of a series."""

    series: str
    number: int
    customer: str
    amount: int


@event_type("billing.InvoicePaid", version=1, tags=("invoice:{series}-{number}",))
@dataclass(frozen=True, slots=True)
class InvoicePaid:
    """The money of an invoice came, all of it."""

    series: str
    number: int
    amount: int


@event_type("billing.InvoiceVoided", version=1, tags=("invoice:{series}-{number}",))
@dataclass(frozen=True, slots=True)
class InvoiceVoided:
    """An invoice counts no longer. Its number stays taken."""

    series: str
    number: int


BillingFact: TypeAlias = InvoiceIssued | InvoicePaid | InvoiceVoided

_FACTS = (InvoiceIssued, InvoicePaid, InvoiceVoided)


# Commands


@dataclass(frozen=True, slots=True)
class IssueInvoice:
    """Ask a customer for money, under the next number of a series."""

    series: str
    customer: str
    amount: int


@dataclass(frozen=True, slots=True)
class PayInvoice:
    """Take the money of an invoice."""

    series: str
    number: int
    amount: int


@dataclass(frozen=True, slots=True)
class VoidInvoice:
    """Let an invoice count no longer."""

    series: str
    number: int


SettlementCommand: TypeAlias = PayInvoice | VoidInvoice


# Refusals


class ImpossibleAmount(DomainError):
    """An invoice is about one cent at least, and no more than one invoice may be about."""

    amount: int
    most: int


class NoSuchInvoice(DomainError):
    """There is no invoice of this number."""

    series: str
    number: int


class InvoiceIsVoid(DomainError):
    """The invoice is void: nobody owes its money."""

    series: str
    number: int


class AlreadyPaid(DomainError):
    """The invoice is paid already."""

    series: str
    number: int


class NotTheAmount(DomainError):
    """An invoice is paid at once and in full."""

    due: int
    paid: int


# Decision: which number has the next invoice?


@dataclass(frozen=True, slots=True)
class Series:
    """What a number needs to know: the last one of its series, 0 if there is none."""

    last: int


def decide_number(series: Series, command: IssueInvoice) -> list[InvoiceIssued]:
    """Issue it under the number after the last one."""
    if not 1 <= command.amount <= AMOUNT_MAX:
        raise ImpossibleAmount(amount=command.amount, most=AMOUNT_MAX)
    return [InvoiceIssued(command.series, series.last + 1, command.customer, command.amount)]


def evolve_number(series: Series, fact: InvoiceIssued) -> Series:
    """Fold one invoice into its series."""
    return Series(last=max(series.last, fact.number))


numbering: Decider[IssueInvoice, Series, InvoiceIssued] = Decider(
    initial=Series(last=0), decide=decide_number, evolve=evolve_number
)


def issuing_context(command: IssueInvoice) -> Query:
    """Return the facts that can change which number is next: the invoices of the series.

    The decision needs the last of them, and a query cannot say "the last": all are read, so the thousandth
    invoice of a series costs a thousand small facts, and the next one has to wait meanwhile. That is well for
    what most shops bill in a month or a year. Where it is not, begin a series more often. Or let the command
    name the number that it wants, and ask for two invoices, however long the series is: that of the number,
    which must not be there, and the one before, which must. Who comes too late is refused, and asks again.
    """
    return invoices_issued(command.series)


# Decision: may this invoice be paid, or be void?


class Status(Enum):
    """What became of an invoice."""

    OPEN = "open"
    PAID = "paid"
    VOID = "void"


@dataclass(frozen=True, slots=True)
class Invoice:
    """What the facts of an invoice tell."""

    customer: str
    amount: int
    status: Status


def decide_settlement(invoice: Invoice | None, command: SettlementCommand) -> list[BillingFact]:
    """Let the invoice be paid, or void, or refuse. To void it again is nothing to do."""
    if invoice is None:
        raise NoSuchInvoice(series=command.series, number=command.number)
    if invoice.status is Status.PAID:
        raise AlreadyPaid(series=command.series, number=command.number)
    match command:
        case PayInvoice(series, number, amount):
            _refuse_payment(invoice, command)
            return [InvoicePaid(series, number, amount)]
        case VoidInvoice(series, number):
            return [InvoiceVoided(series, number)] if invoice.status is Status.OPEN else []


def _refuse_payment(invoice: Invoice, command: PayInvoice) -> None:
    if invoice.status is Status.VOID:
        raise InvoiceIsVoid(series=command.series, number=command.number)
    if command.amount != invoice.amount:
        raise NotTheAmount(due=invoice.amount, paid=command.amount)


def evolve_invoice(invoice: Invoice | None, fact: BillingFact) -> Invoice | None:
    """Fold one fact into its invoice; None is one that was not issued."""
    match fact:
        case InvoiceIssued(customer=customer, amount=amount):
            return Invoice(customer, amount, Status.OPEN)
        case InvoicePaid():
            return invoice and replace(invoice, status=Status.PAID)
        case InvoiceVoided():
            return invoice and replace(invoice, status=Status.VOID)


settlement: Decider[SettlementCommand, Invoice | None, BillingFact] = Decider(
    initial=None, decide=decide_settlement, evolve=evolve_invoice
)


def settlement_context(command: SettlementCommand) -> Query:
    """Return the facts that can change whether this invoice may be paid or be void: its own.

    There are three at most, however long the series is.
    """
    return facts_of_invoice(command.series, command.number)


def facts_of_invoice(series: str, number: int) -> Query:
    """Return the facts about one invoice."""
    return Query.of(QueryItem(types=_FACTS, tags=[f"invoice:{series}-{number}"]))


def invoices_issued(series: str) -> Query:
    """Return the invoices of one series, as they were issued."""
    return Query.of(QueryItem(types=[InvoiceIssued], tags=[f"series:{series}"]))


def every_invoice() -> Query:
    """Return the facts about all invoices."""
    return Query.of(QueryItem(types=_FACTS))


# Views: each folds the facts of one row


def evolve_invoice_row(invoice: Invoice | None, recorded: Recorded[BillingFact]) -> Invoice | None:
    """Fold one fact into the row of its invoice."""
    return evolve_invoice(invoice, recorded.event)


invoice_row: View[Invoice | None, Recorded[BillingFact]] = View(
    initial=settlement.initial, evolve=evolve_invoice_row
)


def invoice_of(recorded: Recorded[BillingFact]) -> tuple[str, int]:
    """Return the series and the number of the invoice that the fact is about."""
    return recorded.event.series, recorded.event.number


@dataclass(frozen=True, slots=True)
class Revenue:
    """How many invoices a series has and what they ask for, what came of it, and how many are void."""

    issued: int
    invoiced: int
    paid: int
    received: int
    void: int


def evolve_revenue(revenue: Revenue, recorded: Recorded[BillingFact]) -> Revenue:
    """Add one fact to the revenue of its series."""
    match recorded.event:
        case InvoiceIssued(amount=amount):
            return replace(revenue, issued=revenue.issued + 1, invoiced=revenue.invoiced + amount)
        case InvoicePaid(amount=amount):
            return replace(revenue, paid=revenue.paid + 1, received=revenue.received + amount)
        case InvoiceVoided():
            return replace(revenue, void=revenue.void + 1)


revenue_of_series: View[Revenue, Recorded[BillingFact]] = View(
    initial=Revenue(issued=0, invoiced=0, paid=0, received=0, void=0), evolve=evolve_revenue
)


def series_of(recorded: Recorded[BillingFact]) -> str:
    """Return the series of the invoice that the fact is about."""
    return recorded.event.series

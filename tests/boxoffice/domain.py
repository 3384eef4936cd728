"""Paying for the tickets of the demo. Pure, but for what its stories change: ``RATES`` and ``PACE``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal

from factos_django import Deliver, Query, QueryItem, Recorded, View, effect_type, event_type

__all__ = [
    "PACE",
    "PAYMENTS",
    "RATES",
    "Card",
    "GuestState",
    "Line",
    "Payment",
    "SendInvoice",
    "TakingsState",
    "TicketPaid",
    "guests",
    "invoices",
    "takings",
]


@dataclass(frozen=True, slots=True)
class Card:
    brand: str
    last_four: str


@dataclass(frozen=True, slots=True)
class Payment:
    amount: Decimal
    currency: str
    card: Card | None = None
    is_company: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    article: str
    number: int
    price: Decimal


@event_type("TicketPaid", version=2, tags=("order:{order}", "event:{conference}", "buyer:{buyer}"))
@dataclass(frozen=True, slots=True)
class TicketPaid:
    """A buyer paid for a ticket."""

    order: str
    conference: str
    buyer: str
    payment: Payment
    lines: tuple[Line, ...] = ()


PAYMENTS = Query.of(QueryItem(types=[TicketPaid]))


@effect_type("boxoffice.SendInvoice")
@dataclass(frozen=True, slots=True)
class SendInvoice:
    """Mail the invoice to the buyer."""

    order: str
    buyer: str
    amount: Decimal
    currency: str


def invoices(recorded: Recorded[TicketPaid]) -> list[Deliver[SendInvoice]]:
    """The invoices of a buyer go out in the order of the payments."""
    event, payment = recorded.event, recorded.event.payment
    invoice = SendInvoice(event.order, event.buyer, payment.amount, payment.currency)
    return [Deliver(invoice, ordering_key=f"buyer:{event.buyer}")]


#: What a unit of a currency is worth in euros.
RATES = {"EUR": Decimal(1)}

#: Called for each fact that a projection of guests folds, so that a story can make it slow.
PACE: list[Callable[[], None]] = []


@dataclass(frozen=True, slots=True)
class TakingsState:
    payments: int = 0
    euros: Decimal = Decimal("0.00")


def _evolve_takings(state: TakingsState, recorded: Recorded[TicketPaid]) -> TakingsState:
    payment = recorded.event.payment
    if payment.currency not in RATES:
        raise ValueError(f"no rate for {payment.currency}: order {recorded.event.order} cannot be added up")
    return TakingsState(state.payments + 1, state.euros + payment.amount * RATES[payment.currency])


takings: View[TakingsState, Recorded[TicketPaid]] = View(TakingsState(), _evolve_takings)


@dataclass(frozen=True, slots=True)
class GuestState:
    tickets: int = 0


def _evolve_guest(state: GuestState, recorded: Recorded[TicketPaid]) -> GuestState:
    for wait in PACE:
        wait()
    return replace(state, tickets=state.tickets + sum(line.number for line in recorded.event.lines))


guests: View[GuestState, Recorded[TicketPaid]] = View(GuestState(), _evolve_guest)

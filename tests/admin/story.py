"""A log that tells a story: three conferences sell tickets, most goes well, and some of it does not.

* ``gleamconf-2026`` sells its five tickets, one of them to Renata, by the order ``1004``.
* Her invoice is dead: she has no mailbox. That of her next order waits behind it.
* ``boxoffice.takings`` stopped at ``1012``, which is paid in francs.
* ``boxoffice.guests`` needs a rebuild: its rows were computed by an earlier version.
* ``ticketing.sales_by_hour`` has not applied the last sales yet.

Names and numbers are always the same; moments are now, and ids come by chance.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from unittest import mock

from demo_project.ticketing.domain import (
    AnnounceTicketSale,
    BuyTicket,
    OpenConference,
    SoldOut,
    conference_openings,
    opening_context,
    sale_context,
    ticket_sales,
)
from demo_project.ticketing.models import Mailbox
from factos_django import Delivery
from factos_django.core.effect import effect_type_of
from factos_django.core.event_types import EVENT_TYPES
from factos_django.dispatch import dispatch, stamp
from factos_django.effects import reactor
from factos_django.effects.handlers import Handler, Policy
from factos_django.models import Effect, ProjectionState
from factos_django.projections import catch_up, projection
from factos_django.registry import HANDLERS, PROJECTIONS, REACTORS
from factos_django.store import append
from factos_django.testing import deliver_effects
from tests.boxoffice.domain import (
    PAYMENTS,
    RATES,
    Card,
    Line,
    Payment,
    SendInvoice,
    TicketPaid,
    guests,
    invoices,
    takings,
)

__all__ = ["FRANCS", "ORDER", "ORDERS", "Order", "Story", "UnknownMailbox", "told"]

SEATS = {"gleamconf-2026": 5, "djangocon-2026": 12, "pyladies-2026": 40}


@dataclass(frozen=True, slots=True)
class Order:
    number: str
    conference: str
    buyer: str
    currency: str = "EUR"


ORDERS = [
    Order("1001", "gleamconf-2026", "louis"),
    Order("1002", "gleamconf-2026", "hayleigh"),
    Order("1003", "djangocon-2026", "carlton"),
    Order("1004", "gleamconf-2026", "renata"),
    Order("1005", "gleamconf-2026", "giacomo"),
    Order("1006", "djangocon-2026", "natalia"),
    Order("1007", "djangocon-2026", "simon"),
    Order("1008", "pyladies-2026", "lynn"),
    Order("1009", "gleamconf-2026", "surya"),
    Order("1010", "pyladies-2026", "mariatta"),
    Order("1011", "djangocon-2026", "adrian"),
    Order("1012", "djangocon-2026", "ulla", "CHF"),
    Order("1013", "pyladies-2026", "renata"),
    Order("1014", "pyladies-2026", "naomi"),
    Order("1015", "djangocon-2026", "jacob"),
    Order("1016", "pyladies-2026", "jessica"),
    Order("1017", "pyladies-2026", "carol"),
]
ORDER, NEXT_OF_RENATA, FRANCS = ORDERS[3], ORDERS[12], ORDERS[11]

#: The sales by hour are followed up to here (orders).
FOLLOWED = 14


class UnknownMailbox(Exception):
    """There is no such mailbox."""


@dataclass(slots=True)
class Story:
    """What was recorded.

    Attributes:
        using: The alias of its database.
        opened: By conference, the fact that it opened.
        sold: By order, the fact that the ticket was sold.
        paid: By order, the fact that it was paid.
        unknown: Who has no mailbox; emptied, all invoices arrive.
    """

    using: str
    opened: dict[str, Any] = field(default_factory=dict)
    sold: dict[str, Any] = field(default_factory=dict)
    paid: dict[str, Any] = field(default_factory=dict)
    unknown: set[str] = field(default_factory=lambda: {"renata"})

    def buy(self, order: Order) -> None:
        """Sell the ticket, as a request does, and record the payment that it causes."""
        command = BuyTicket(order.conference, order.buyer)
        number = order.number
        with stamp(correlation_id=f"order-{number}", operation_id=f"request-{number}", actor=order.buyer):
            sale = dispatch(command, decider=ticket_sales, query=sale_context, using=self.using)
            self.sold[number] = sale.events[0]
            with stamp(causation_id=str(sale.events[0].id), source_context="box office"):
                (self.paid[number],) = append([_payment(order)], using=self.using)

    def invoice(self, order: Order) -> Effect:
        """Return the effect that mails the invoice."""
        return Effect.objects.using(self.using).get(
            name="boxoffice.SendInvoice", position=self.paid[order.number].position
        )


@contextmanager
def told(using: str) -> Iterator[Story]:
    """Record the story; inside the block its projections, its reactor and its handler are registered.

    Those of other tests are not: pages show the story alone.
    """
    story = Story(using)
    with _registered(story):
        _tell(story)
        yield story


def _tell(story: Story) -> None:
    using = story.using
    for name, seats in SEATS.items():
        with stamp(actor="ada", correlation_id="season-2026", operation_id=f"request-{name}"):
            opened = dispatch(
                OpenConference(name, seats), decider=conference_openings, query=opening_context, using=using
            )
        story.opened[name] = opened.events[0]
    for order in ORDERS[:FOLLOWED]:
        story.buy(order)
    with suppress(SoldOut):
        dispatch(BuyTicket("gleamconf-2026", "late"), decider=ticket_sales, query=sale_context, using=using)
    catch_up(using=using)
    Mailbox.objects.using(using).create(buyer="natalia", turns_away=1)
    deliver_effects(AnnounceTicketSale, raising=False, using=using)
    for order in ORDERS[FOLLOWED:]:
        story.buy(order)
    deliver_effects(SendInvoice, raising=False, using=using)
    PROJECTIONS.unregister("boxoffice.guests")
    _declare_guests(version=2)


def _payment(order: Order) -> TicketPaid:
    price = Decimal("420.00") if order.currency == "CHF" else Decimal("400.00")
    lines = (Line("Conference ticket", 1, price), Line("Lunch, vegetarian", 2, Decimal("12.50")))
    paid = Payment(price + 25, order.currency, Card("Visa", "4242"))
    return TicketPaid(order.number, order.conference, order.buyer, paid, lines)


@contextmanager
def _registered(story: Story) -> Iterator[None]:
    ours = ("ticketing.", "boxoffice.")
    ProjectionState.objects.using(story.using).exclude(name__startswith=ours[0]).delete()
    others = [
        (kind, each)
        for kind in (PROJECTIONS, REACTORS, HANDLERS)
        for each in kind
        if not each.name.startswith(ours)
    ]
    for kind, each in others:
        kind.unregister(each.name)
    rates = dict(RATES)
    types = {each: EVENT_TYPES.named(each) for each in ("ConferenceOpened", "TicketPaid", "TicketSold")}
    try:
        with mock.patch.object(EVENT_TYPES, "_by_name", types):
            _declare(story)
            yield
    finally:
        RATES.clear()
        RATES.update(rates)
        for kind in (PROJECTIONS, REACTORS, HANDLERS):
            for name in [each.name for each in kind if each.name.startswith("boxoffice.")]:
                kind.unregister(name)
        for kind, each in others:
            kind.register(each)


def _declare(story: Story) -> None:
    projection(
        "boxoffice.takings",
        model="boxoffice.Takings",
        query=PAYMENTS,
        key=lambda recorded: recorded.event.conference,
        view=takings,
    )
    _declare_guests(version=1)
    reactor("boxoffice.invoices", query=PAYMENTS)(invoices)
    kind = effect_type_of(SendInvoice("", "", Decimal(0), ""))

    def send_invoice(effect: SendInvoice, delivery: Delivery) -> None:
        if effect.buyer in story.unknown:
            raise UnknownMailbox(f"550 5.1.1 {effect.buyer}@example.org: there is no such mailbox")

    policy = Policy(fatal=(UnknownMailbox,), dead_holds=True)
    HANDLERS.register(Handler(kind.name, kind, send_invoice, policy))


def _declare_guests(*, version: int) -> None:
    projection(
        "boxoffice.guests",
        model="boxoffice.Guest",
        query=PAYMENTS,
        key=lambda recorded: recorded.event.buyer,
        view=guests,
        version=version,
    )

"""What follows from the facts: an inline projection, one that follows the log, and a mail for each ticket."""

from dataclasses import dataclass, replace

from factos_django import Delivery, Recorded, View
from factos_django.effects import reactor
from factos_django.projections import projection
from factos_django.tasks import effect_task

from .domain import FACTS, TICKETS, AnnounceTicketSale, ConferenceOpened, Sales, TicketSold


@dataclass(frozen=True, slots=True)
class Bought:
    tickets: int = 0


def evolve_sales(sales: Sales, recorded: Recorded[ConferenceOpened | TicketSold]) -> Sales:
    match recorded.event:
        case ConferenceOpened(capacity=capacity):
            return replace(sales, capacity=capacity)
        case TicketSold():
            return replace(sales, sold=sales.sold + 1)


def count(bought: Bought, recorded: Recorded[TicketSold]) -> Bought:
    if recorded.event.buyer == "nobody":
        raise ValueError("a ticket was sold to nobody")
    return Bought(bought.tickets + 1)


projection(
    "ticketing.sales",
    model="ticketing.ConferenceSales",
    mode="inline",
    query=FACTS,
    key=lambda recorded: recorded.event.conference,
    view=View(initial=Sales(), evolve=evolve_sales),
)
projection(
    "ticketing.buyers",
    model="ticketing.Buyer",
    query=TICKETS,
    key=lambda recorded: recorded.event.buyer,
    view=View(initial=Bought(), evolve=count),
)


@reactor("ticketing.announce", query=TICKETS)
def announce(recorded: Recorded[TicketSold]) -> list[AnnounceTicketSale]:
    return [AnnounceTicketSale(recorded.event.buyer)]


@effect_task(AnnounceTicketSale, max_attempts=1)
def announce_ticket_sale(effect: AnnounceTicketSale, delivery: Delivery) -> None:
    raise ConnectionError("the mail server does not answer")

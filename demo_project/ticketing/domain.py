"""Selling tickets: a conference never sells more than it has. Pure; nothing here knows Django."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TypeAlias

from factos_django import Decider, DomainError, Query, QueryItem, Recorded, View, effect_type, event_type

__all__ = [
    "AlreadyOpen",
    "AnnounceTicketSale",
    "BuyTicket",
    "ConferenceOpened",
    "HourSales",
    "NothingToSell",
    "OpenConference",
    "SaleFact",
    "Sales",
    "SoldOut",
    "TicketSold",
    "TicketWindow",
    "announcements",
    "conference_of",
    "conference_openings",
    "conference_sales",
    "every_sale",
    "every_ticket",
    "hour_of",
    "hour_sales",
    "opening_context",
    "sale_context",
    "sale_facts",
    "sales_by_conference",
    "ticket_sales",
    "tickets_sold",
]


# Facts


@event_type("ConferenceOpened", version=1, tags=("event:{conference}",))
@dataclass(frozen=True, slots=True)
class ConferenceOpened:
    """A conference began to sell its tickets."""

    conference: str
    capacity: int


@event_type("TicketSold", version=1, tags=("event:{conference}", "buyer:{buyer}"))
@dataclass(frozen=True, slots=True)
class TicketSold:
    """One ticket of a conference went to a buyer."""

    conference: str
    buyer: str


SaleFact: TypeAlias = ConferenceOpened | TicketSold


# Commands


@dataclass(frozen=True, slots=True)
class OpenConference:
    """Begin to sell the tickets of a conference."""

    conference: str
    capacity: int


@dataclass(frozen=True, slots=True)
class BuyTicket:
    """Sell one ticket of a conference to a buyer."""

    conference: str
    buyer: str


# Refusals


class NothingToSell(DomainError):
    """A conference opens with at least one ticket."""

    capacity: int


class AlreadyOpen(DomainError):
    """The conference is open already, with another capacity."""

    capacity: int


class SoldOut(DomainError):
    """The conference has no ticket left."""

    capacity: int


# Decision: may this conference open?


def decide_opening(recorded: int | None, command: OpenConference) -> list[ConferenceOpened]:
    """Open a new conference. To open it again with the same capacity is nothing to do."""
    if command.capacity < 1:
        raise NothingToSell(capacity=command.capacity)
    if recorded is None:
        return [ConferenceOpened(command.conference, command.capacity)]
    if recorded != command.capacity:
        raise AlreadyOpen(capacity=recorded)
    return []


def evolve_opening(recorded: int | None, event: ConferenceOpened) -> int | None:
    """Return the capacity on record; None is a conference that is not open."""
    return event.capacity if recorded is None else recorded


conference_openings: Decider[OpenConference, int | None, ConferenceOpened] = Decider(
    initial=None, decide=decide_opening, evolve=evolve_opening
)


def opening_context(command: OpenConference) -> Query:
    """Return the facts that can change whether this conference may open."""
    return Query.of(QueryItem(types=[ConferenceOpened], tags=[f"event:{command.conference}"]))


# Decision: may this buyer have a ticket?


@dataclass(frozen=True, slots=True)
class TicketWindow:
    """What a sale needs to know: a conference that is not open has a capacity of 0."""

    capacity: int
    sold: int

    @property
    def left(self) -> int:
        """How many tickets can still be sold."""
        return self.capacity - self.sold


def decide(window: TicketWindow, command: BuyTicket) -> list[TicketSold]:
    """Sell the ticket, or refuse."""
    if window.sold >= window.capacity:
        raise SoldOut(capacity=window.capacity)
    return [TicketSold(command.conference, command.buyer)]


def evolve(window: TicketWindow, event: SaleFact) -> TicketWindow:
    """Fold one fact into the window."""
    match event:
        case ConferenceOpened(capacity=capacity):
            return replace(window, capacity=capacity)
        case TicketSold():
            return replace(window, sold=window.sold + 1)


ticket_sales: Decider[BuyTicket, TicketWindow, SaleFact] = Decider(
    initial=TicketWindow(capacity=0, sold=0), decide=decide, evolve=evolve
)


def sale_facts(conference: str) -> Query:
    """Return the facts about the sale of one conference."""
    return Query.of(QueryItem(types=[ConferenceOpened, TicketSold], tags=[f"event:{conference}"]))


def sale_context(command: BuyTicket) -> Query:
    """Return the facts that can change whether this buyer gets a ticket."""
    return sale_facts(command.conference)


# Views: each folds the facts of one row, and the row of a fact is told beside it


def evolve_window(window: TicketWindow, recorded: Recorded[SaleFact]) -> TicketWindow:
    """Fold one fact into the window of its conference."""
    return evolve(window, recorded.event)


conference_sales: View[TicketWindow, Recorded[SaleFact]] = View(
    initial=ticket_sales.initial, evolve=evolve_window
)


def conference_of(recorded: Recorded[SaleFact]) -> str:
    """Return the conference that the fact is about."""
    return recorded.event.conference


@dataclass(frozen=True, slots=True)
class HourSales:
    """What a conference sold in one hour."""

    sold: int


def evolve_hour(hour: HourSales, _: Recorded[TicketSold]) -> HourSales:
    """Count one ticket."""
    return replace(hour, sold=hour.sold + 1)


hour_sales: View[HourSales, Recorded[TicketSold]] = View(initial=HourSales(sold=0), evolve=evolve_hour)


def hour_of(recorded: Recorded[TicketSold]) -> tuple[str, datetime]:
    """Return the conference, and the beginning of the hour (UTC) in which the ticket was sold."""
    hour = recorded.recorded_at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    return recorded.event.conference, hour


def every_sale() -> Query:
    """Return the facts about all sales."""
    return Query.of(QueryItem(types=[ConferenceOpened, TicketSold]))


def every_ticket() -> Query:
    """Return the tickets of all conferences."""
    return Query.of(QueryItem(types=[TicketSold]))


def tickets_sold(conference: str) -> Query:
    """Return the tickets of one conference."""
    return Query.of(QueryItem(types=[TicketSold], tags=[f"event:{conference}"]))


# What a fact calls for


@effect_type("ticketing.AnnounceTicketSale", version=1)
@dataclass(frozen=True, slots=True)
class AnnounceTicketSale:
    """Tell a buyer that the ticket is theirs."""

    conference: str
    buyer: str
    position: int


def announcements(recorded: Recorded[TicketSold]) -> list[AnnounceTicketSale]:
    """Each ticket is announced to its buyer."""
    sold = recorded.event
    return [AnnounceTicketSale(sold.conference, sold.buyer, recorded.position)]


# A view of all conferences at once, for whoever has the facts and no table


Sales: TypeAlias = Mapping[str, TicketWindow]


def evolve_sales(sales: Sales, recorded: Recorded[SaleFact]) -> Sales:
    """Fold one fact into the window of its conference."""
    conference = conference_of(recorded)
    window = sales.get(conference, conference_sales.initial)
    return {**sales, conference: conference_sales.evolve(window, recorded)}


sales_by_conference: View[Sales, Recorded[SaleFact]] = View(initial={}, evolve=evolve_sales)

"""Conferences, and the tickets that are sold for them."""

from dataclasses import dataclass

from factos_django import Query, QueryItem, effect_type, event_type


@event_type("ticketing.ConferenceOpened", tags=("event:{conference}",))
@dataclass(frozen=True, slots=True)
class ConferenceOpened:
    conference: str
    capacity: int


@event_type("ticketing.TicketSold", tags=("event:{conference}", "buyer:{buyer}"))
@dataclass(frozen=True, slots=True)
class TicketSold:
    conference: str
    buyer: str


@effect_type("ticketing.AnnounceTicketSale")
@dataclass(frozen=True, slots=True)
class AnnounceTicketSale:
    buyer: str


@dataclass(frozen=True, slots=True)
class Sales:
    capacity: int = 0
    sold: int = 0


FACTS = Query.of(QueryItem(types=[ConferenceOpened, TicketSold]))
TICKETS = Query.of(QueryItem(types=[TicketSold]))

"""Seats of a hall: a rule over many facts, pure."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from factos_django import Decider, DomainError, Query, QueryItem, Recorded, View, effect_type, event_type


@event_type("shop.HallOpened", tags=("hall:{hall}",))
@dataclass(frozen=True, slots=True)
class HallOpened:
    hall: str
    seats: int


@event_type("shop.SeatSold", tags=("hall:{hall}", "buyer:{buyer}"))
@dataclass(frozen=True, slots=True)
class SeatSold:
    hall: str
    buyer: str


@effect_type("shop.MailTicket")
@dataclass(frozen=True, slots=True)
class MailTicket:
    hall: str
    buyer: str


Fact: TypeAlias = HallOpened | SeatSold


@dataclass(frozen=True, slots=True)
class BuySeat:
    hall: str
    buyer: str


class Full(DomainError):
    """The hall is full."""


@dataclass(frozen=True, slots=True)
class Hall:
    seats: int = 0
    sold: int = 0


def decide(hall: Hall, command: BuySeat) -> Sequence[Fact]:
    time.sleep(0.005)  # so that decisions of several threads meet, and oversell where nothing guards them
    if hall.sold >= hall.seats:
        raise Full
    return [SeatSold(command.hall, command.buyer)]


def evolve(hall: Hall, event: Fact) -> Hall:
    match event:
        case HallOpened(seats=seats):
            return replace(hall, seats=seats)
        case SeatSold():
            return replace(hall, sold=hall.sold + 1)


seat_sales: Decider[BuySeat, Hall, Fact] = Decider(initial=Hall(), decide=decide, evolve=evolve)


@dataclass(frozen=True, slots=True)
class Sales:
    sold: int = 0


def count_sale(sales: Sales, recorded: Recorded[Fact]) -> Sales:
    return Sales(sales.sold + isinstance(recorded.event, SeatSold))


sales: View[Sales, Recorded[Fact]] = View(Sales(), count_sale)
SALES = Query.of(QueryItem(types=[SeatSold]))
HALL_FACTS = Query.of(QueryItem(types=[HallOpened, SeatSold]))


def facts_of(hall: str) -> Query:
    return Query.of(QueryItem(types=[HallOpened, SeatSold], tags=[f"hall:{hall}"]))


def hall_context(command: BuySeat) -> Query:
    return facts_of(command.hall)

"""Parcels and what has to be done about them. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from factos_django import Deliver, Query, QueryItem, Recorded, View, effect_type, event_type

__all__ = [
    "PARCELS",
    "Bill",
    "Notify",
    "Parcel",
    "ParcelReported",
    "ParcelSent",
    "billing",
    "notices",
    "parcel",
]


@event_type("parcels.Sent", tags=("parcel:{parcel}", "buyer:{buyer}"))
@dataclass(frozen=True, slots=True)
class ParcelSent:
    """``told`` and ``billed`` say how the attempts to do that go: see tests.parcels.factos."""

    parcel: str
    buyer: str
    told: str = "fine"
    billed: str = ""


@event_type("parcels.Reported", tags=("parcel:{parcel}",))
@dataclass(frozen=True, slots=True)
class ParcelReported:
    """What a handler itself appends."""

    parcel: str


PARCELS = Query.of(QueryItem(types=[ParcelSent]))


@effect_type("parcels.Notify")
@dataclass(frozen=True, slots=True)
class Notify:
    """Tell a buyer that his parcel is on its way."""

    parcel: str
    goes: str


@effect_type("parcels.Bill")
@dataclass(frozen=True, slots=True)
class Bill:
    """Bill the buyer, after what was sent to him earlier."""

    parcel: str
    goes: str


def notices(recorded: Recorded[ParcelSent]) -> list[Notify]:
    """Two notices for who wants it ``twice``."""
    event = recorded.event
    return [Notify(event.parcel, event.told)] * (2 if event.told == "twice" else 1) if event.told else []


def billing(recorded: Recorded[ParcelSent]) -> list[Deliver[Bill]]:
    event = recorded.event
    return [Deliver(Bill(event.parcel, event.billed), ordering_key=event.buyer)] if event.billed else []


@dataclass(frozen=True, slots=True)
class Parcel:
    """Whose it is."""

    parcel: str
    buyer: str


def _evolve(_: Parcel, recorded: Recorded[ParcelSent]) -> Parcel:
    return Parcel(recorded.event.parcel, recorded.event.buyer)


parcel = View(initial=Parcel("", ""), evolve=_evolve)

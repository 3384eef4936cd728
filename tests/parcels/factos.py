"""The reactors of parcels, and handlers that do as they are told.

A handler tells the sink of FACTOS_TEST_SINK, a process of its own, where that is set. How it goes:
``fine``; ``fails N``: the first N attempts raise; ``fatal``; ``dies N``: the first N attempts kill their
process; ``slow S``: it takes S seconds; ``later S``: the first attempt asks for another in S seconds;
``reports``: it appends a fact.
"""

from __future__ import annotations

import json
import os
import signal
import time
import urllib.request

from factos_django import Backoff, Delivery, RetryLater
from factos_django.effects import reactor
from factos_django.projections import projection
from factos_django.store import append
from factos_django.tasks import effect_task
from tests.parcels.domain import PARCELS, Bill, Notify, ParcelReported, billing, notices, parcel

__all__ = ["BadAddress", "bill", "bills", "notifications", "notify", "sent"]

QUICK = Backoff(first=0.2, factor=2, limit=1.0)


class BadAddress(Exception):
    """Nobody lives there."""


sent = projection(
    "parcels.sent",
    model="parcels.SentParcel",
    mode="inline",
    query=PARCELS,
    key=lambda recorded: recorded.event.parcel,
    view=parcel,
)

notifications = reactor("parcels.notify", query=PARCELS)(notices)
bills = reactor("parcels.bill", query=PARCELS)(billing)


@effect_task(Notify, max_attempts=4, backoff=QUICK, fatal=(BadAddress,))
def notify(effect: Notify, delivery: Delivery) -> None:
    """Tell a buyer."""
    _go("parcels.Notify", effect, delivery)


@effect_task(Bill, max_attempts=4, backoff=QUICK, fatal=(BadAddress,))
def bill(effect: Bill, delivery: Delivery) -> None:
    """Bill a buyer."""
    _go("parcels.Bill", effect, delivery)


def _go(name: str, effect: Notify | Bill, delivery: Delivery) -> None:
    how, _, number = effect.goes.partition(" ")
    tell_sink("began", name, effect.parcel, delivery)
    match how:
        case "fails" if delivery.attempt <= int(number):
            raise OSError(f"attempt {delivery.attempt} failed")
        case "fatal":
            raise BadAddress(effect.parcel)
        case "dies" if delivery.attempt <= int(number):
            os.kill(os.getpid(), signal.SIGKILL)
        case "slow":
            time.sleep(float(number))
        case "later" if delivery.attempt == 1:
            raise RetryLater(float(number))
        case "reports":
            append([ParcelReported(effect.parcel)], using=delivery.using)
    tell_sink("did", name, effect.parcel, delivery)


def tell_sink(what: str, name: str, parcel: str, delivery: Delivery) -> None:
    """Tell the sink, if there is one, that an attempt began or did its work."""
    if not (url := os.environ.get("FACTOS_TEST_SINK")):
        return
    told = {
        "what": what, "name": name, "parcel": parcel, "key": delivery.key, "attempt": delivery.attempt,
        "position": delivery.position, "pid": os.getpid(),
    }  # fmt: skip
    urllib.request.urlopen(url, json.dumps(told).encode(), timeout=10).close()

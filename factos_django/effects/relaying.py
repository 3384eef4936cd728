"""The relay: it publishes what is due. It knows no broker: what publishes is handed to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from factos_django.effects.announcing import Outgoing, Publisher
from factos_django.effects.outbox.publishing import Claimed, claim, give_back, is_anything_due
from factos_django.store.retries import retried
from factos_django.store.transactions import unit_of_work

__all__ = ["Relayed", "relay"]

#: Rows that are claimed at a time: few enough to be published well within their lease.
_BATCH = 200


@dataclass(frozen=True, slots=True)
class Relayed:
    """How many were published, how many wait for others, and whether more may be due."""

    published: int = 0
    waiting: int = 0
    more: bool = False


def relay(publish: Publisher, using: str, *, limit: int = _BATCH) -> Relayed:
    """Publish up to ``limit`` effects that are due.

    They are claimed in a transaction that ends before the first is published: a relay that dies in between
    has delayed them by their lease. What ``publish`` raises is raised, when the claim was given back.
    """
    if not is_anything_due(using):
        return Relayed()
    claimed = retried(lambda: _claimed(limit, using), using=using)
    if claimed.outgoing:
        _publish(publish, claimed.outgoing, using)
    number = len(claimed.outgoing) + claimed.waiting + len(claimed.dead)
    return Relayed(len(claimed.outgoing), claimed.waiting, more=number >= limit)


def _claimed(limit: int, using: str) -> Claimed:
    with unit_of_work(using):
        return claim(limit, using)


def _publish(publish: Publisher, outgoing: Sequence[Outgoing], using: str) -> None:
    try:
        publish(outgoing, using)
    except Exception:
        give_back(outgoing, 1.0, using)
        raise

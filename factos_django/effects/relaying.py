"""The relay: it publishes what is due. It knows no broker: what publishes is handed to it."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from factos_django.effects import notices
from factos_django.effects.announcing import Outgoing
from factos_django.effects.delivering import delivery_of
from factos_django.effects.outbox.attempting import last_attempt
from factos_django.effects.outbox.publishing import (
    Claimed,
    claim,
    give_back,
    is_anything_due,
    take_from_the_dead,
)
from factos_django.store.retries import retried
from factos_django.store.transactions import unit_of_work
from factos_django.workers.leases import database_now

__all__ = ["Publish", "Relayed", "relay", "relay_due"]

#: Sends messages, by the alias of the database, and gives each that was sent, in order.
Publish: TypeAlias = Callable[[Sequence[Outgoing], str], Generator[Outgoing, None, None]]

#: Rows that are claimed at a time, and for how long they are published (seconds): well within their lease.
_BATCH = 200
_PUBLISHED_FOR = 10.0

#: After how long what could not be published is due again (seconds).
_PAUSE = 1.0


@dataclass(frozen=True, slots=True)
class Relayed:
    """How many were published, how many wait for others, and whether more may be due."""

    published: int = 0
    waiting: int = 0
    more: bool = False


def _never() -> bool:
    return False


def relay_due(publish: Publish, using: str, *, limit: int = _BATCH) -> int:
    """Publish all that is due now, ``limit`` at a time, as ``relay`` does; return how many.

    What is due again meanwhile is the next call's, so this one ends, however short leases are.
    """
    retried(lambda: take_from_the_dead(using), using=using)  # before the moment: these are due, too
    number, more, moment = 0, True, database_now(using)
    while more:
        relayed = relay(publish, using, limit=limit, due_at=moment)
        number, more = number + relayed.published, relayed.more
    return number


def relay(
    publish: Publish,
    using: str,
    *,
    limit: int = _BATCH,
    ended: Callable[[], bool] = _never,
    due_at: datetime | None = None,
) -> Relayed:
    """Publish up to ``limit`` effects that are due, or were at the moment ``due_at``.

    They are claimed in a transaction that ends before the first is published: a relay that dies in between
    has delayed them by their lease. What was not published, as ``publish`` raised or the relay is to end, is
    given back. What ``publish`` raises is raised.
    """
    retried(lambda: take_from_the_dead(using), using=using)
    if not is_anything_due(using):
        return Relayed()
    claimed = retried(lambda: _claimed(limit, using, due_at), using=using)
    for row in claimed.dead:
        notices.tell_dead(row, None, delivery_of(last_attempt(row, using)), None)
    published = _published(publish, claimed.outgoing, using, ended)
    number = len(claimed.outgoing) + claimed.waiting + claimed.unhandled
    more = number >= limit or published < len(claimed.outgoing)
    return Relayed(published, claimed.waiting, more)


def _claimed(limit: int, using: str, due_at: datetime | None) -> Claimed:
    with unit_of_work(using):
        return claim(limit, using, due_at)


def _published(publish: Publish, outgoing: Sequence[Outgoing], using: str, ended: Callable[[], bool]) -> int:
    if not outgoing:
        return 0
    number, until = 0, time.monotonic() + _PUBLISHED_FOR
    try:
        with closing(publish(outgoing, using)) as publishing:
            for _ in publishing:
                number += 1
                if ended() or time.monotonic() > until:
                    break
    except BaseException:
        retried(lambda: give_back(outgoing[number:], using, seconds=_PAUSE), using=using)
        raise
    retried(lambda: give_back(outgoing[number:], using), using=using)
    return number

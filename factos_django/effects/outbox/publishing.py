"""What relays do to the outbox: they claim what is due, under locks that others skip, and publish it after.

A row that is published is not done: it is due again after its lease, and later each time, until an attempt
has ended. So what a broker loses is sent again, and what waits in a long queue is not sent at every turn.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import connections
from django.db.models import F, QuerySet

from factos_django.conf import conf
from factos_django.effects.announcing import Outgoing
from factos_django.effects.outbox.ordering import is_at_front, is_released
from factos_django.models import Effect
from factos_django.registry import HANDLERS
from factos_django.workers.leases import database_now

__all__ = ["Claimed", "claim", "give_back", "is_anything_due"]

#: The longest time after which something is published again (seconds).
_LONGEST_PAUSE = 3600.0

#: An effect that nobody here knows how to deliver is looked at so often, with longer and longer pauses from
#: the first one on (seconds): time enough for a deployment. Then it is dead, for somebody to look at.
_LOOKS = 5
_FIRST_LOOK = 60.0


@dataclass(slots=True)
class Claimed:
    """What a relay is to publish, how many wait for others, and those that nobody delivers any more."""

    outgoing: list[Outgoing] = field(default_factory=list)
    waiting: int = 0
    dead: list[Effect] = field(default_factory=list)


def is_anything_due(using: str) -> bool:
    """Tell whether there is anything to claim. It locks nothing."""
    return _rows(using).filter(publish_at__lte=database_now(using)).exists()


def claim(limit: int, using: str) -> Claimed:
    """Claim up to ``limit`` rows that are due, in the open transaction."""
    now = database_now(using)
    due = _rows(using).select_for_update(**_skipping(using)).filter(publish_at__lte=now)
    claimed = Claimed()
    for row in due.order_by("publish_at", "pk")[:limit]:
        _claim_one(row, claimed, now, using)
    return claimed


def give_back(outgoing: Iterable[Outgoing], seconds: float, using: str) -> None:
    """Let what was claimed, and not published, be due again after so many ``seconds``."""
    again = database_now(using) + timedelta(seconds=seconds)
    unfinished = _rows(using).filter(pk__in=[each.id for each in outgoing], state=Effect.State.PENDING)
    unfinished.update(publish_at=again)


def _claim_one(row: Effect, claimed: Claimed, now: datetime, using: str) -> None:
    handler = HANDLERS.named(row.name)
    if handler is None:
        if _looked_at(row, now, using):
            claimed.dead.append(row)
    elif not is_released(row, using):
        claimed.waiting += 1
        _put_off(row, now, conf.POLL_SECONDS, using)
    elif not is_at_front(row, using):  # the one before it will have it published
        claimed.waiting += 1
        _put_off(row, now, handler.policy.lease, using)
    else:
        seconds = min(handler.policy.lease * 2.0 ** min(row.publications, 30), _LONGEST_PAUSE)
        _put_off(row, now, seconds, using, published_at=now, publications=F("publications") + 1)
        claimed.outgoing.append(Outgoing(row.pk, row.name))


def _put_off(row: Effect, now: datetime, seconds: float, using: str, **others: Any) -> None:
    again = now + timedelta(seconds=seconds)
    _rows(using).filter(pk=row.pk, token=row.token, state=row.state).update(publish_at=again, **others)


def _looked_at(row: Effect, now: datetime, using: str) -> bool:
    """Record that nobody here delivers it; return whether it is dead now."""
    error = f"No handler is registered for {row.name}: is its @effect_task imported by factos.py?"
    told = {"attempts": row.attempts + 1, "error": error, "traceback": "", "failed_at": now}
    if row.attempts + 1 < _LOOKS:
        _put_off(row, now, _FIRST_LOOK * 2.0**row.attempts, using, **told)
        return False
    told |= {"state": Effect.State.DEAD, "finished_at": now, "publish_at": None, "holds": False}
    return bool(_rows(using).filter(pk=row.pk, token=row.token, state=row.state).update(**told))


def _rows(using: str) -> QuerySet[Effect]:
    return Effect.objects.using(using)


def _skipping(using: str) -> dict[str, Any]:
    return {"skip_locked": connections[using].features.has_select_for_update_skip_locked}

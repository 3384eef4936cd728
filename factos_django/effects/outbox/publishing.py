"""What relays do to the outbox: they claim what is due, under locks that others skip, and publish it after.

A row that is published is not done: it is due again after its lease, and later each time, until an attempt
has ended. So what a broker loses is sent again, and what waits in a long queue is not sent at every turn.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connections
from django.db.models import F, Min, Q, QuerySet, Value
from django.db.models.functions import Greatest

from factos_django.effects.announcing import Outgoing
from factos_django.effects.outbox.ordering import at_front, let_next_go
from factos_django.models import Effect
from factos_django.models.fields import MomentField
from factos_django.registry import HANDLERS
from factos_django.store.heads import head
from factos_django.store.transactions import guarded_work
from factos_django.workers.leases import database_now, is_free

__all__ = ["Claimed", "claim", "give_back", "is_anything_due", "seconds_until_due", "take_from_the_dead"]

#: The longest time after which something is published again (seconds).
_LONGEST_PAUSE = 3600.0

#: An effect that nobody here knows how to deliver is looked at again after so long (seconds), with longer and
#: longer pauses. For so long it is waited for a deployment; then it is dead, for somebody to look at.
_SECOND_LOOK = 60.0
_WAITED_FOR_HANDLER = 900.0


@dataclass(frozen=True, slots=True)
class Claimed:
    """What a relay is to publish.

    With it: how many wait for others, how many nobody here delivers, and which of these are dead now.
    """

    outgoing: list[Outgoing]
    waiting: int
    unhandled: int
    dead: list[Effect]


def is_anything_due(using: str) -> bool:
    """Tell whether there is anything to claim. It locks nothing."""
    first = _first(_rows(using))
    return first is not None and first <= database_now(using)


def seconds_until_due(using: str) -> float | None:
    """Return after how long something more is due, or None for never. It locks nothing.

    What is due already, and was not claimed, is another relay's or above the head: when that changes is in
    no row.
    """
    now = database_now(using)
    moment = _first(_rows(using).filter(publish_at__gt=now))
    return None if moment is None else (moment - now).total_seconds()


def _first(rows: QuerySet[Effect]) -> datetime | None:
    """Return the first moment at which one of ``rows`` is due; it is one look into an index, surely."""
    first: datetime | None = rows.aggregate(first=Min("publish_at"))["first"]
    return first


def take_from_the_dead(using: str) -> int:
    """Let what dead processes of this machine have leased be due now; return the number of rows.

    Their leases are over: who looks again finds no other. Tokens stay, for nobody records by an old one.
    """
    now = database_now(using)
    leased = _rows(using).filter(state=Effect.State.RUNNING, leased_until__gt=now)
    holders = leased.order_by().values_list("worker", "leased_until").distinct()
    dead = {worker for worker, until in holders if is_free(worker, until, now)}
    if not dead:
        return 0
    with guarded_work(using, one_statement=True):
        return leased.filter(worker__in=dead).update(leased_until=now, publish_at=now)


def claim(limit: int, using: str, due_at: datetime | None = None) -> Claimed:
    """Claim up to ``limit`` rows that were due at ``due_at`` (default: now), in the open transaction.

    Those above the stable head are passed over, and not put off: while an append holds it back there may be
    many, and to write them again and again would leave time for no others.
    """
    now, upto = database_now(using), head(using)
    due = _rows(using).select_for_update(**_skipping(using)).filter(publish_at__lte=due_at or now)
    released = due.filter(Q(ordering_key__isnull=True) | Q(position__lte=upto))
    in_order = released.order_by("publish_at")  # as the index is: a tie-break would sort all that is due
    return _claimed(sorted(in_order[:limit], key=_due), now, using)


def give_back(outgoing: Sequence[Outgoing], using: str, *, seconds: float | None = None) -> None:
    """Let what was claimed, and not published, be due as it was, or after so many ``seconds``.

    One that was published all the same, and failed since, keeps the time of its next attempt.
    """
    if not outgoing:
        return
    now = database_now(using)
    again: Any = F("available_at")
    if seconds is not None:
        moment = now + timedelta(seconds=seconds)
        again = Greatest(again, Value(moment, output_field=MomentField()))
    nobodys = Q(state=Effect.State.PENDING) | Q(state=Effect.State.RUNNING, leased_until__lte=now)
    claimed = _rows(using).filter(nobodys, pk__in=[each.id for each in outgoing], publications__gt=0)
    with guarded_work(using, one_statement=True):
        claimed.update(publish_at=again, publications=F("publications") - 1)


def _claimed(rows: Sequence[Effect], now: datetime, using: str) -> Claimed:
    handled = [row for row in rows if HANDLERS.named(row.name) is not None]
    outgoing = at_front(handled, using)
    waiting = sorted({*handled} - {*outgoing}, key=_id)  # the one before it will have it published
    _put_off(waiting, _lease, now, using)
    _put_off(outgoing, _pause, now, using, published_at=now, publications=F("publications") + 1)
    unhandled = sorted({*rows} - {*handled}, key=_id)  # last, for one that dies lets another go
    dead = [row for row in unhandled if _looked_at(row, now, using)]
    sent = [Outgoing(row.pk, row.name) for row in outgoing]
    return Claimed(sent, len(waiting), len(unhandled), dead)


def _due(row: Effect) -> tuple[datetime | None, int]:
    """Return what orders the rows that are claimed together: those due at one moment come in any order."""
    return row.publish_at, int(row.pk)


def _id(row: Effect) -> int:
    return int(row.pk)


def _lease(row: Effect) -> float:
    handler: Any = HANDLERS.named(row.name)
    return float(handler.policy.lease)


def _pause(row: Effect) -> float:
    """Return after how long it is to be published again: later each time that no attempt followed."""
    in_vain = max(0, row.publications - row.attempts)
    return min(_lease(row) * 2.0 ** min(in_vain, 30), _LONGEST_PAUSE)


def _put_off(
    rows: Sequence[Effect], pause: Callable[[Effect], float], now: datetime, using: str, **others: Any
) -> None:
    """Have ``rows``, which are locked, due again after their pauses (seconds): few statements for many."""
    together: dict[float, list[int]] = defaultdict(list)
    for row in rows:
        together[pause(row)].append(row.pk)
    for seconds, ids in together.items():
        again = now + timedelta(seconds=seconds)
        _rows(using).filter(pk__in=ids).update(publish_at=again, **others)


def _looked_at(row: Effect, now: datetime, using: str) -> bool:
    """Record that nobody here delivers it; return whether it is dead now."""
    error = f"No handler is registered for {row.name}: is its @effect_task imported by factos.py?"
    first = row.failed_at if row.error == error and row.failed_at else now
    told = {"error": error, "traceback": "", "failed_at": first}
    waited = (now - first).total_seconds()
    if waited < _WAITED_FOR_HANDLER:
        _put_off([row], lambda _: max(_SECOND_LOOK, waited), now, using, **told)
        return False
    told |= {"state": Effect.State.DEAD, "finished_at": now, "publish_at": None, "holds": False}
    if not _rows(using).filter(pk=row.pk, token=row.token, state=row.state).update(**told):
        return False
    let_next_go(row, now, using)
    return True


def _rows(using: str) -> QuerySet[Effect]:
    return Effect.objects.using(using)


def _skipping(using: str) -> dict[str, Any]:
    return {"skip_locked": connections[using].features.has_select_for_update_skip_locked}

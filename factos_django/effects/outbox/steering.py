"""What a person does to the outbox: have effects tried again, or given up; and what time does, pruning.

All of it happens in the open transaction, under locks on the rows, with a record of who did it and why.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connections
from django.db.models import BooleanField, ExpressionWrapper, F, Q, QuerySet

from factos_django.effects.announcing import Outgoing, announce_effects
from factos_django.effects.outbox.attempting import abandonment
from factos_django.effects.outbox.ordering import at_front, let_next_go
from factos_django.models import Effect, EffectAction
from factos_django.workers.leases import database_now, is_free

__all__ = ["By", "dead_behind", "is_at_work", "locked", "remove_finished", "try_again", "withdraw"]

State, Action = Effect.State, EffectAction.Action


@dataclass(frozen=True, slots=True)
class By:
    """Who does it, and why."""

    actor: str
    reason: str


def locked(meant: Q, using: str) -> list[Effect]:
    """Return the effects that are meant, locked in the order of ids, without what is in them."""
    rows = _rows(using).defer("data", "traceback").select_for_update()
    return list(rows.filter(meant).order_by("pk"))


def dead_behind(row: Effect, using: str) -> list[Effect]:
    """Return the dead ones that come after ``row`` in its ordering key, locked."""
    if row.ordering_key is None:
        return []
    later = Q(position__gt=row.position) | Q(position=row.position, pk__gt=row.pk)
    return locked(later & Q(ordering_key=row.ordering_key, state=State.DEAD), using)


def is_at_work(row: Effect, now: datetime) -> bool:
    """Tell whether somebody delivers it, and may still do so."""
    return row.state == State.RUNNING and not is_free(row.worker, row.leased_until, now)


def try_again(rows: Sequence[Effect], by: By, using: str) -> int:
    """Make ``rows``, which are locked, due now, each for one attempt more; return how many were not.

    One that somebody is at work on, or that is done, is left alone. One that was due already is published
    again, and nothing is recorded. Attempts are counted on: who died of too many has one.
    """
    now = database_now(using)  # under the locks: two who retry at once change it once
    steerable = [row for row in rows if row.state != State.DONE and not is_at_work(row, now)]
    changed = [row for row in steerable if not (row.state == State.PENDING and row.available_at <= now)]
    _record(changed, Action.RETRY, by, now, using)
    for row in changed:
        if row.state == State.RUNNING:
            _rows(using).filter(pk=row.pk).update(error=abandonment(row), failed_at=now)
    _rows(using).filter(pk__in=_ids(changed)).update(
        state=State.PENDING,
        available_at=now,
        holds=ExpressionWrapper(Q(ordering_key__isnull=False), output_field=BooleanField()),
        finished_at=None,
        **_taken_from_its_worker(),
    )
    _rows(using).filter(pk__in=_ids(steerable)).update(publish_at=now)
    announce_effects([Outgoing(row.pk, row.name) for row in at_front(steerable, using)], using)
    return len(changed)


def withdraw(row: Effect, by: By, using: str) -> None:
    """Give ``row`` up, which is locked and unfinished or dead, and let the next with its key go."""
    now = database_now(using)
    _record([row], Action.DROP, by, now, using)
    given_up = {"state": State.DROPPED, "finished_at": now, "publish_at": None, "holds": False}
    _rows(using).filter(pk=row.pk).update(**given_up, **_taken_from_its_worker())
    if row.holds:
        let_next_go(row, now, using)


def remove_finished(state: str, before: datetime, limit: int, using: str) -> int:
    """Remove up to ``limit`` effects of this state that were finished before, the oldest; return how many.

    What another has locked is left to it.
    """
    finished = _rows(using).filter(state=state, finished_at__lt=before).order_by("finished_at")
    skip = connections[using].features.has_select_for_update_skip_locked
    ids = list(finished.select_for_update(skip_locked=skip).values_list("pk", flat=True)[:limit])
    EffectAction.objects.using(using).filter(effect__in=ids).delete()
    _rows(using).filter(pk__in=ids).only("pk").delete()
    return len(ids)


def _record(rows: Sequence[Effect], action: str, by: By, now: datetime, using: str) -> None:
    EffectAction.objects.using(using).bulk_create(
        EffectAction(
            effect=row,
            action=action,
            state=row.state,
            attempts=row.attempts,
            reason=by.reason,
            actor=by.actor,
            acted_at=now,
        )
        for row in rows
    )


def _taken_from_its_worker() -> dict[str, object]:
    """Return what lets nobody who still holds a lease that has ended record anything."""
    return {"worker": "", "leased_until": None, "token": F("token") + 1}


def _ids(rows: Iterable[Effect]) -> list[int]:
    return [row.pk for row in rows]


def _rows(using: str) -> QuerySet[Effect]:
    return Effect.objects.using(using)

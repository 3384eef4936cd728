"""Attempts: each is counted before it begins, and only its holder records how it ended.

An attempt leases its row under a new token. Whoever was frozen, and comes back when another has leased the
row, holds an older token and records nothing (M. Kleppmann, "How to do distributed locking").
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from django.db import connections
from django.db.models import QuerySet

from factos_django.effects.handlers import Policy
from factos_django.effects.outbox.ordering import is_at_front, is_released, let_next_go
from factos_django.models import Effect
from factos_django.workers.error_text import error_in_words, traceback_of
from factos_django.workers.leases import database_now, is_free, this_worker

__all__ = ["Attempt", "Standing", "begin", "bury", "end_done", "end_failed"]


class Standing(Enum):
    """Why no attempt begins."""

    NOTHING = "nothing"
    """It is finished, somebody has it, it is to wait, or there is none."""
    WAITING = "waiting"
    """It waits for another with its ordering key, or for the head of the log."""
    DEAD = "dead"
    """Its worker died in the last attempt that it had."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """The right to deliver one effect, while nobody has a newer one.

    ``effect`` is the row as it was leased.
    """

    using: str
    effect: Effect

    @property
    def number(self) -> int:
        """Which attempt it is, from 1."""
        return self.effect.attempts


def begin(id: int, name: str, policy: Policy, using: str, *, untimely: bool = False) -> Attempt | Standing:
    """Lease the effect and count the attempt, in the open transaction; return why not, otherwise.

    With ``untimely`` neither its time nor the head of the log counts: for tests, where neither passes.
    """
    now = database_now(using)
    row = _rows(using).select_for_update(**_skipping(using)).filter(pk=id, name=name).first()
    if row is None or not _may_begin(row, now, untimely=untimely):
        return Standing.NOTHING
    if not ((untimely or is_released(row, using)) and is_at_front(row, using)):
        return Standing.WAITING
    if row.state == Effect.State.RUNNING:
        if row.attempts >= policy.max_attempts:
            return Standing.DEAD if _bury_abandoned(row, policy, now, using) else Standing.NOTHING
        row.error = _abandoned(row)
    return _leased(row, policy, now, using)


def _leased(row: Effect, policy: Policy, now: datetime, using: str) -> Attempt | Standing:
    until = now + timedelta(seconds=policy.lease)
    begun = {
        "state": Effect.State.RUNNING,
        "attempts": row.attempts + 1,
        "token": row.token + 1,
        "worker": this_worker(),
        "leased_until": until,
        "publish_at": until,
        "error": row.error,
    }
    if not _rows(using).filter(pk=row.pk, token=row.token, state=row.state).update(**begun):
        return Standing.NOTHING  # on SQLite nothing was locked
    for name, value in begun.items():
        setattr(row, name, value)
    return Attempt(using, row)


def end_done(attempt: Attempt) -> bool:
    """Record success, in the open transaction; return False where another has the row."""
    now = database_now(attempt.using)
    ended = {"state": Effect.State.DONE, "finished_at": now, "publish_at": None, "holds": False, **_FREE}
    return _end(attempt, ended, now)


def end_failed(attempt: Attempt, error: BaseException, seconds: float) -> bool:
    """Record ``error``, and that the next attempt is due in ``seconds``; return as ``end_done`` does."""
    now = database_now(attempt.using)
    again = now + timedelta(seconds=seconds)
    ended = {"state": Effect.State.PENDING, "available_at": again, "publish_at": again, **_FREE}
    return _end(attempt, {**ended, **_told(error, now)}, now)


def bury(attempt: Attempt, error: BaseException, policy: Policy) -> bool:
    """Record ``error``, and that no other attempt is made; return as ``end_done`` does."""
    now = database_now(attempt.using)
    return _end(attempt, {**_dead(policy, now), **_told(error, now)}, now)


def _end(attempt: Attempt, ended: dict[str, object], now: datetime) -> bool:
    row = attempt.effect
    if (
        not _rows(attempt.using)
        .filter(pk=row.pk, token=row.token, state=Effect.State.RUNNING)
        .update(**ended)
    ):
        return False
    if ended.get("holds") is False:
        let_next_go(row, now, attempt.using)
    return True


def _bury_abandoned(row: Effect, policy: Policy, now: datetime, using: str) -> bool:
    ended = {**_dead(policy, now), "error": _abandoned(row), "traceback": "", "failed_at": now}
    return _end(Attempt(using, row), ended, now)


def _dead(policy: Policy, now: datetime) -> dict[str, object]:
    lets_go = {} if policy.dead_holds else {"holds": False}
    return {"state": Effect.State.DEAD, "finished_at": now, "publish_at": None, **lets_go, **_FREE}


def _told(error: BaseException, now: datetime) -> dict[str, object]:
    return {"error": error_in_words(error), "traceback": traceback_of(error), "failed_at": now}


def _abandoned(row: Effect) -> str:
    return f"Attempt {row.attempts} never ended: {row.worker} died, or took longer than its lease."


_FREE: dict[str, object] = {"worker": "", "leased_until": None}


def _may_begin(row: Effect, now: datetime, *, untimely: bool) -> bool:
    if row.state == Effect.State.PENDING:
        return untimely or row.available_at <= now
    return row.state == Effect.State.RUNNING and is_free(row.worker, row.leased_until, now)


def _rows(using: str) -> QuerySet[Effect]:
    return Effect.objects.using(using)


def _skipping(using: str) -> dict[str, Any]:
    return {"skip_locked": connections[using].features.has_select_for_update_skip_locked}

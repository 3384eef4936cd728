"""Attempts: each is counted before it begins, and only its holder records how it ended.

An attempt leases its row under a new token. Whoever was frozen, and comes back when another has leased the
row, holds an older token and records nothing (M. Kleppmann, "How to do distributed locking").

The token is all that keeps two apart: each writes only where it is as it was read. So nothing is locked, and
what begins an attempt, or ends one, is a statement by itself, unless others wait behind the effect.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery, TextField
from django.db.models.functions import Cast

from factos_django.core.canonical_json import decode_json
from factos_django.core.metadata import MetadataValue
from factos_django.effects.handlers import Policy
from factos_django.effects.outbox.ordering import is_at_front, is_released, let_next_go
from factos_django.models import Effect, Event
from factos_django.store.transactions import guarded_work, unit_of_work
from factos_django.workers.error_text import error_in_words, traceback_of
from factos_django.workers.leases import (
    Moments,
    clock_column,
    database_now,
    is_free,
    moment_in,
    this_worker,
)

__all__ = [
    "Abandoned",
    "Attempt",
    "Standing",
    "abandonment",
    "begin",
    "bury",
    "end_done",
    "end_failed",
    "last_attempt",
]


class Standing(Enum):
    """Why no attempt begins."""

    NOTHING = "nothing"
    """It is finished, somebody has it, it is to wait, or there is none."""
    WAITING = "waiting"
    """It waits for another with its ordering key, or for the head of the log."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """The right to deliver one effect, while nobody has a newer one.

    Attributes:
        using: The alias of the database.
        effect: The row as it was leased.
        metadata: That of its fact.
    """

    using: str
    effect: Effect
    metadata: Mapping[str, MetadataValue]

    @property
    def number(self) -> int:
        """Which attempt it is, from 1."""
        return self.effect.attempts


@dataclass(frozen=True, slots=True)
class Abandoned:
    """No attempt begins: the worker died in the last one that there was, and the effect is dead now."""

    last: Attempt


def begin(
    id: int, name: str, policy: Policy, using: str, *, untimely: bool = False
) -> Attempt | Abandoned | Standing:
    """Lease the effect and count the attempt; return why not, otherwise.

    With ``untimely`` neither its time nor the head of the log counts: for tests, where neither passes.
    """
    with guarded_work(using, one_statement=True, writes=False):
        row = _told(id, name, using)
    if row is None:
        return Standing.NOTHING
    now = moment_in(row.told_at)
    if not _may_begin(row, now, untimely=untimely):
        return Standing.NOTHING
    if row.ordering_key is not None and not _is_its_turn(row, using, untimely=untimely):
        return Standing.WAITING
    attempt = _attempt(row, using)
    if row.state == Effect.State.RUNNING and row.attempts >= policy.max_attempts:
        return Abandoned(attempt) if _bury_abandoned(attempt, policy) else Standing.NOTHING
    return attempt if _leased(row, policy, now, using) else Standing.NOTHING


def _told(id: int, name: str, using: str) -> Any:
    """Return the row, with the time by the database's clock, and the metadata of its fact as text."""
    fact = Event.objects.using(using).filter(position=OuterRef("position"))
    metadata = Subquery(fact.values(text=Cast("metadata", TextField())))
    rows = _rows(using).annotate(told_at=clock_column(using), fact_metadata=metadata)
    return rows.filter(pk=id, name=name).first()


def last_attempt(row: Effect, using: str) -> Attempt:
    """Return the last attempt that was counted of ``row``, to tell of it: it gives no right."""
    return _attempt(_told(row.pk, row.name, using), using)


def _attempt(told: Any, using: str) -> Attempt:
    return Attempt(using, told, decode_json(told.fact_metadata or "{}"))


def _is_its_turn(row: Effect, using: str, *, untimely: bool) -> bool:
    with guarded_work(using, one_statement=True, writes=False):
        return (untimely or is_released(row, using)) and is_at_front(row, using)


def _leased(row: Effect, policy: Policy, now: datetime, using: str) -> bool:
    until = now + timedelta(seconds=policy.lease)
    begun = {
        "state": Effect.State.RUNNING,
        "attempts": row.attempts + 1,
        "token": row.token + 1,
        "worker": this_worker(),
        "leased_until": until,
        "publish_at": until,
        "error": abandonment(row) if row.state == Effect.State.RUNNING else row.error,
    }
    with guarded_work(using, one_statement=True):
        if not _rows(using).filter(pk=row.pk, token=row.token, state=row.state).update(**begun):
            return False  # somebody was faster
    for name, value in begun.items():
        setattr(row, name, value)
    return True


def end_done(attempt: Attempt) -> bool:
    """Record success; return False where another has the row."""
    moments = Moments.of(attempt.using)
    done = {"state": Effect.State.DONE, "finished_at": moments.after(), "publish_at": None, "holds": False}
    return _end(attempt, {**done, **_FREE})


def end_failed(attempt: Attempt, error: BaseException, seconds: float) -> bool:
    """Record ``error``, and that the next attempt is due in ``seconds``; return as ``end_done`` does."""
    moments = Moments.of(attempt.using)
    again = moments.after(seconds)
    pending = {"state": Effect.State.PENDING, "available_at": again, "publish_at": again}
    return _end(attempt, {**pending, **_FREE, **_failure(error, moments)})


def bury(attempt: Attempt, error: BaseException, policy: Policy) -> bool:
    """Record ``error``, and that no other attempt is made; return as ``end_done`` does."""
    moments = Moments.of(attempt.using)
    return _end(attempt, {**_dead(policy, moments), **_failure(error, moments)})


def _end(attempt: Attempt, ended: dict[str, Any]) -> bool:
    """Write ``ended`` where the row is still this attempt's; return whether it is written."""
    row, using = attempt.effect, attempt.using
    lets_go = row.ordering_key is not None and ended.get("holds") is False
    work = unit_of_work(using) if lets_go else guarded_work(using, one_statement=True)
    with work:
        mine = _rows(using).filter(pk=row.pk, token=row.token)
        if not mine.filter(state=Effect.State.RUNNING).update(**ended):
            return mine.filter(state=ended["state"]).exists()  # of a first try whose answer was lost
        if lets_go:
            let_next_go(row, database_now(using), using)
    return True


def _bury_abandoned(attempt: Attempt, policy: Policy) -> bool:
    row, moments = attempt.effect, Moments.of(attempt.using)
    told = {"error": abandonment(row), "traceback": "", "failed_at": moments.after()}
    ended = {**_dead(policy, moments), **told, "token": row.token + 1}  # whoever has it may be alive
    return _end(attempt, ended)


def _dead(policy: Policy, moments: Moments) -> dict[str, Any]:
    lets_go = {} if policy.dead_holds else {"holds": False}
    dead = {"state": Effect.State.DEAD, "finished_at": moments.after(), "publish_at": None}
    return {**dead, **lets_go, **_FREE}


def _failure(error: BaseException, moments: Moments) -> dict[str, Any]:
    told = {"error": error_in_words(error), "traceback": traceback_of(error)}
    return {**told, "failed_at": moments.after()}


def abandonment(row: Effect) -> str:
    """Return what is recorded of an attempt that nobody has ended."""
    return f"Attempt {row.attempts} never ended: {row.worker} died, or took longer than its lease."


_FREE: dict[str, Any] = {"worker": "", "leased_until": None}


def _may_begin(row: Effect, now: datetime, *, untimely: bool) -> bool:
    if row.state == Effect.State.PENDING:
        return untimely or row.available_at <= now
    return row.state == Effect.State.RUNNING and is_free(row.worker, row.leased_until, now)


def _rows(using: str) -> QuerySet[Effect]:
    return Effect.objects.using(using)

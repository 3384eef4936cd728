"""What somebody who looks after effects can do: try one again, give one up, and remove what is long finished.

Commands, admin and API call these. Each change of one effect is recorded, with who made it and why
(``EffectAction``), in the transaction of the change.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

from django.db.models import Q

from factos_django.conf import conf
from factos_django.core.errors import (
    EffectFinished,
    EffectRunning,
    InvalidBatchSize,
    InvalidMetadata,
    ReasonMissing,
    UnknownEffect,
)
from factos_django.core.metadata import ACTOR, KEY_MAX_LENGTH, is_storable_text
from factos_django.effects.finding import EffectFilter
from factos_django.effects.outbox import steering
from factos_django.effects.outbox.steering import By
from factos_django.models import Effect
from factos_django.store.database import database_for_writing
from factos_django.store.retries import retried
from factos_django.store.transactions import unit_of_work
from factos_django.workers.leases import database_now

__all__ = ["drop", "prune", "retry", "retry_all"]

R = TypeVar("R")

#: Effects that are retried in one transaction.
_BATCH = 500

#: What is removed when it is old. The dead stay: somebody has to look at them.
_FINISHED = (Effect.State.DONE, Effect.State.DROPPED)


def retry(
    id: int, *, behind: bool = False, actor: str = "", reason: str = "", using: str | None = None
) -> int:
    """Have the effect ``id`` tried again at once, under the same key; return how many are due for it.

    A dead one, or one that was dropped, is pending again and has one attempt more: if that fails, it is dead
    again. (The attempts go on being counted.) If it has an ordering key, later effects wait for it. One that
    was to wait is due now. One that was due already is published again, which changes nothing: 0 is returned.

    Args:
        id: That of its row.
        behind: With it the dead ones that come after it in its ordering key, to be delivered in order.
        actor: Who asks for it.
        reason: Why.
        using: The alias of the database.

    Raises:
        UnknownEffect: There is none.
        EffectRunning: It is being delivered.
        EffectFinished: It is done.
    """
    alias, by = database_for_writing(using), _by(actor, reason)
    return _in_transaction(lambda: _retry(id, by, alias, behind=behind), alias)


def retry_all(
    chosen: EffectFilter,
    *,
    limit: int | None = None,
    actor: str = "",
    reason: str = "",
    using: str | None = None,
) -> int:
    """Do what ``retry`` does to all that are meant, in the order of ids; return how many are due for it.

    Where no transaction is open, it is done in batches, each in a transaction of its own.

    Args:
        chosen: Which. Where no state is named, the dead ones. Of others those are left alone that are being
            delivered, or done.
        limit: At most so many.
        actor: Who asks for it.
        reason: Why.
        using: The alias of the database.
    """
    alias, by = database_for_writing(using), _by(actor, reason)
    meant = replace(chosen, state=chosen.state or Effect.State.DEAD).condition(alias)
    left, changed, last = limit, 0, 0
    while ids := _ids_after(last, meant, left, alias):
        changed += _in_transaction(partial(_retry_those, Q(pk__in=ids) & meant, by, alias), alias)
        left, last = None if left is None else left - len(ids), ids[-1]
    return changed


def drop(id: int, *, reason: str, actor: str = "", using: str | None = None) -> None:
    """Give the effect ``id`` up, which is pending or dead: it is not delivered. What waits for it goes on.

    Args:
        id: That of its row.
        reason: Why, in words; it is kept.
        actor: Who gives it up.
        using: The alias of the database.

    Raises:
        ReasonMissing: No reason was given.
        UnknownEffect: There is none.
        EffectRunning: It is being delivered.
        EffectFinished: It is done, or was dropped before.
    """
    alias, by = database_for_writing(using), _by(actor, reason)
    if not by.reason:
        raise ReasonMissing(id=id)
    _in_transaction(lambda: _drop(id, by, alias), alias)


def prune(*, older_than: timedelta | None = None, using: str | None = None, batch: int = 1_000) -> int:
    """Remove effects that were done, or dropped, longer ago; return how many. The dead stay.

    Whoever lets a reactor see its fact again (``factos_react``) gets an effect that was removed again: under
    the same key, as the far end sees it.

    Args:
        older_than: How long ago (default: FACTOS_EFFECT_RETENTION_DAYS).
        using: The alias of the database.
        batch: How many are removed in one transaction, 1 or more.
    """
    if isinstance(batch, bool) or not isinstance(batch, int) or batch < 1:
        raise InvalidBatchSize(size=batch)
    alias = database_for_writing(using)
    age = timedelta(days=conf.EFFECT_RETENTION_DAYS) if older_than is None else older_than
    before = database_now(alias) - age
    return sum(_prune(state, before, batch, alias) for state in _FINISHED)


def _prune(state: str, before: datetime, batch: int, using: str) -> int:
    removed, last = 0, batch
    while last == batch:
        last = _in_transaction(partial(steering.remove_finished, state, before, batch, using), using)
        removed += last
    return removed


def _retry(id: int, by: By, using: str, *, behind: bool) -> int:
    row = _steerable(id, "retry", {Effect.State.DONE}, using)
    return steering.try_again([row, *(steering.dead_behind(row, using) if behind else ())], by, using)


def _retry_those(meant: Q, by: By, using: str) -> int:
    return steering.try_again(steering.locked(meant, using), by, using)


def _ids_after(last: int, meant: Q, left: int | None, using: str) -> list[int]:
    rows = Effect.objects.using(using).filter(meant, pk__gt=last).order_by("pk")
    return list(rows.values_list("pk", flat=True)[: _BATCH if left is None else min(_BATCH, left)])


def _drop(id: int, by: By, using: str) -> None:
    row = _steerable(id, "drop", {Effect.State.DONE, Effect.State.DROPPED}, using)
    steering.withdraw(row, by, using)


def _steerable(id: int, action: str, finished: set[Effect.State], using: str) -> Effect:
    """Return the effect, locked; raise where this cannot be done to it."""
    found = steering.locked(Q(pk=id), using)
    if not found:
        raise UnknownEffect(id=id, using=using)
    (row,) = found
    if steering.is_at_work(row, database_now(using)):
        raise EffectRunning(id=id, worker=row.worker, until=f"{row.leased_until:%Y-%m-%d %H:%M:%S %Z}")
    if row.state in finished:
        raise EffectFinished(id=id, state=row.state, action=action)
    return row


def _by(actor: str, reason: str) -> By:
    if len(actor) > KEY_MAX_LENGTH:
        raise InvalidMetadata(key=ACTOR, reason=f"it has more than {KEY_MAX_LENGTH} characters")
    for name, text in ((ACTOR, actor), ("reason", reason)):
        if not is_storable_text(text):
            raise InvalidMetadata(key=name, reason="it holds NUL or a lone surrogate")
    return By(actor, reason.strip())


def _in_transaction(work: Callable[[], R], using: str) -> R:
    """Return what ``work`` returns, in a transaction, or in a savepoint of the caller's."""

    def once() -> R:
        with unit_of_work(using):
            return work()

    return retried(once, using=using)

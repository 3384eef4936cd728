"""Delivering one effect: lease it, run its handler outside of any transaction, and record how that went.

At least once: a worker that dies after the handler's work was done, and before that is recorded, leaves an
effect that is delivered again, under the same key.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from enum import Enum
from typing import Any

from django.db import Error, connections

from factos_django.core.canonical_json import decode_json
from factos_django.core.delivery import Delivery, Fatal, RetryLater, effect_key
from factos_django.core.errors import InsideTransaction, StoreError
from factos_django.core.metadata import CAUSATION_ID, CORRELATION_ID, MetadataValue
from factos_django.effects import notices
from factos_django.effects.handlers import Handler
from factos_django.effects.outbox import attempting
from factos_django.effects.outbox.attempting import Attempt, Standing
from factos_django.models import Effect
from factos_django.stamps import stamp
from factos_django.store.retries import retried
from factos_django.store.rows import EventRow, select_by_positions
from factos_django.store.transactions import is_testcase, owns_transaction, unit_of_work

__all__ = ["Delivered", "Outcome", "deliver"]

#: The pauses between the tries to record an outcome (seconds): by then the handler has done its work, which
#: is done again if nobody knows of it.
_PAUSES = (0.1, 0.5, 2.0)


class Outcome(Enum):
    """What came of it."""

    DELIVERED = "delivered"
    """The handler returned."""
    FAILED = "failed"
    """It raised; another attempt is made later."""
    DEAD = "dead"
    """No other attempt is made; it is for a person to look at."""
    WAITING = "waiting"
    """It waits for another with its ordering key, or for the head of the log."""
    NOTHING = "nothing"
    """There was nothing to do: it is finished, somebody has it, or its time has not come."""
    SUPERSEDED = "superseded"
    """It took longer than its lease, and another attempt has begun: its result is ignored."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """What came of one call.

    Attributes:
        outcome: How it ended.
        effect: What was to be delivered; None where no attempt began, or it could not be read.
        delivery: What the handler was told; None where no attempt began.
        error: What the handler raised.
    """

    outcome: Outcome
    effect: Any = None
    delivery: Delivery | None = None
    error: Exception | None = None


def deliver(id: int, handler: Handler[Any], using: str, *, untimely: bool = False) -> Delivered:
    """Make one attempt to deliver the effect ``id``, which is one of ``handler``; raise no error of its.

    Any number may be made at once: one of them begins, the others find nothing to do.

    Args:
        id: That of the row. One that does not exist, or is another handler's, is ignored.
        handler: What delivers it.
        using: The alias of the database.
        untimely: Neither its time nor the head of the log counts. For tests.

    Raises:
        InsideTransaction: A transaction is open: what the handler does could not be told from it.
    """
    if not (owns_transaction(using) or is_testcase(using)):
        advice = "call it after the commit"
        raise InsideTransaction(operation="the delivery of an effect", using=using, advice=advice)
    begun = retried(lambda: _begin(id, handler, using, untimely=untimely), using=using)
    if isinstance(begun, Attempt):
        return _attempted(begun, handler)
    if begun is Standing.DEAD:
        row = Effect.objects.using(using).get(pk=id)
        notices.tell_dead(row, None, _delivery(row, using), None)
    return Delivered(Outcome(begun.value))


def _begin(id: int, handler: Handler[Any], using: str, *, untimely: bool) -> Attempt | Standing:
    with unit_of_work(using):
        return attempting.begin(id, handler.name, handler.policy, using, untimely=untimely)


def _attempted(attempt: Attempt, handler: Handler[Any]) -> Delivered:
    row = attempt.effect
    delivery = _delivery(row, attempt.using)
    effect: Any = None
    try:
        effect = handler.kind.decode(row.version, row.data)
        with stamp(**_cause(delivery)):
            handler(effect, delivery)
    except Exception as error:
        return _failed(attempt, handler, effect, delivery, error)
    if not _recorded(attempt.using, lambda: attempting.end_done(attempt)):
        return _superseded(attempt, effect, delivery, None)
    notices.tell_delivered(effect, delivery)
    return Delivered(Outcome.DELIVERED, effect, delivery)


def _failed(
    attempt: Attempt, handler: Handler[Any], effect: Any, delivery: Delivery, error: Exception
) -> Delivered:
    policy = handler.policy
    if isinstance(error, (Fatal, *policy.fatal)) or attempt.number >= policy.max_attempts:
        if not _recorded(attempt.using, lambda: attempting.bury(attempt, error, policy)):
            return _superseded(attempt, effect, delivery, error)
        notices.tell_dead(attempt.effect, effect, delivery, error)
        return Delivered(Outcome.DEAD, effect, delivery, error)
    seconds = error.seconds if isinstance(error, RetryLater) else policy.backoff.seconds(attempt.number)
    if not _recorded(attempt.using, lambda: attempting.end_failed(attempt, error, seconds)):
        return _superseded(attempt, effect, delivery, error)
    notices.tell_failed(attempt.effect, effect, delivery, error, seconds)
    return Delivered(Outcome.FAILED, effect, delivery, error)


def _superseded(attempt: Attempt, effect: Any, delivery: Delivery, error: Exception | None) -> Delivered:
    notices.tell_superseded(attempt.effect, delivery)
    return Delivered(Outcome.SUPERSEDED, effect, delivery, error)


def _recorded(using: str, record: Any) -> bool:
    """Return what ``record`` returns, in a transaction; it is tried again where the database is away."""

    def once() -> bool:
        with unit_of_work(using):
            return bool(record())

    if not owns_transaction(using):
        return once()
    for pause in _PAUSES:
        try:
            return retried(once, using=using)
        except (Error, StoreError):
            connections[using].close()
            time.sleep(pause)
    return retried(once, using=using)


def _delivery(row: Effect, using: str) -> Delivery:
    return Delivery(
        key=effect_key(row.reactor, row.event_id, row.name, row.key),
        attempt=row.attempts,
        position=row.position,
        event_id=row.event_id,
        reactor=row.reactor,
        metadata=_metadata(row.position, using),
        using=using,
    )


def _metadata(position: int, using: str) -> dict[str, MetadataValue]:
    for row in select_by_positions([position], using):
        return dict(decode_json(EventRow._make(row).metadata))
    return {}


def _cause(delivery: Delivery) -> dict[str, MetadataValue]:
    """Return the stamps of what a handler does: it was caused by the fact."""
    fact = str(delivery.event_id)
    return {CAUSATION_ID: fact, CORRELATION_ID: delivery.metadata.get(CORRELATION_ID) or fact}

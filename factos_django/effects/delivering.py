"""Delivering one effect: lease it, run its handler outside of any transaction, and record how that went.

At least once: a worker that dies after the handler's work was done, and before that is recorded, leaves an
effect that is delivered again, under the same key.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from django.db import Error, connections

from factos_django.core.delivery import Delivery, Fatal, RetryLater, effect_key
from factos_django.core.errors import InsideTransaction, StoreError, TransactionLeftOpen
from factos_django.core.metadata import CAUSATION_ID, CORRELATION_ID, MetadataValue
from factos_django.effects import notices
from factos_django.effects.handlers import Handler
from factos_django.effects.outbox import attempting
from factos_django.effects.outbox.attempting import Abandoned, Attempt, Standing
from factos_django.stamps import stamp
from factos_django.store.retries import retried
from factos_django.store.transactions import is_testcase, owns_transaction

__all__ = ["Delivered", "Outcome", "deliver", "delivery_of"]

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
    error: BaseException | None = None


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
    begun = retried(
        lambda: attempting.begin(id, handler.name, handler.policy, using, untimely=untimely), using=using
    )
    if isinstance(begun, Standing):
        return Delivered(Outcome(begun.value))
    if isinstance(begun, Abandoned):
        notices.tell_dead(begun.last.effect, None, delivery_of(begun.last), None)
        return Delivered(Outcome.DEAD)
    return _attempted(begun, handler)


def _attempted(attempt: Attempt, handler: Handler[Any]) -> Delivered:
    row, delivery = attempt.effect, delivery_of(attempt)
    effect: Any = None
    try:
        effect = handler.kind.decode(row.version, row.data, position=row.position)
        _run(handler, effect, delivery)
    except Exception as error:
        return _failed(attempt, handler, effect, delivery, error)
    except BaseException as error:  # this process is told to end: others need not wait for its lease
        _failed(attempt, handler, effect, delivery, error)
        raise
    if not _recorded(attempt.using, lambda: attempting.end_done(attempt)):
        return _superseded(attempt, effect, delivery, None)
    notices.tell_delivered(effect, delivery)
    return Delivered(Outcome.DELIVERED, effect, delivery)


def _run(handler: Handler[Any], effect: Any, delivery: Delivery) -> None:
    using = delivery.using
    alone = owns_transaction(using)
    try:
        with stamp(**_cause(delivery)):
            handler(effect, delivery)
    finally:
        left_open = alone and not owns_transaction(using)
        if left_open:
            _begin_anew(using)
    if left_open:
        raise TransactionLeftOpen(effect=handler.name, using=using)


def _begin_anew(using: str) -> None:
    """Take a new connection, outside of all transactions: what becomes of the effect is to be committed."""
    connection = connections[using]
    connection.close()
    connection.connect()


def _failed(
    attempt: Attempt, handler: Handler[Any], effect: Any, delivery: Delivery, error: BaseException
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


def _superseded(attempt: Attempt, effect: Any, delivery: Delivery, error: BaseException | None) -> Delivered:
    notices.tell_superseded(attempt.effect, delivery)
    return Delivered(Outcome.SUPERSEDED, effect, delivery, error)


def _recorded(using: str, record: Callable[[], bool]) -> bool:
    """Return what ``record`` returns; it is tried again where the database is away.

    To record the same a second time, since the answer to the first was lost, changes nothing.
    """
    if not owns_transaction(using):
        return record()
    for pause in _PAUSES:
        try:
            return retried(record, using=using)
        except (Error, StoreError):
            connections[using].close()
            time.sleep(pause)
    return retried(record, using=using)


def delivery_of(attempt: Attempt) -> Delivery:
    """Return what a handler is told of this attempt."""
    row = attempt.effect
    return Delivery(
        key=effect_key(row.reactor, row.event_id, row.name, row.key),
        attempt=row.attempts,
        position=row.position,
        event_id=row.event_id,
        reactor=row.reactor,
        metadata=attempt.metadata,
        using=attempt.using,
    )


def _cause(delivery: Delivery) -> dict[str, MetadataValue]:
    """Return the stamps of what a handler does: it was caused by the fact."""
    fact = str(delivery.event_id)
    return {CAUSATION_ID: fact, CORRELATION_ID: delivery.metadata.get(CORRELATION_ID) or fact}

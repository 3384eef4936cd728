"""Following the log: a batch of facts becomes rows, and the checkpoint moves with them.

Rows and checkpoint are written in one transaction, whose first statement moves the checkpoint if this worker
still holds the newest lease. So wherever a worker dies, each fact counts once; and one that was replaced
while it was frozen writes nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from functools import partial

from django.db import Error, connections

from factos_django.conf import conf
from factos_django.core.errors import LeaseLost, OutdatedWorker
from factos_django.models import ProjectionState
from factos_django.projections.batch_transaction import batch_transaction
from factos_django.projections.declaration import Projection
from factos_django.projections.failures import Failure, is_transient
from factos_django.projections.notices import tell_stopped
from factos_django.projections.parking import park
from factos_django.projections.states import Lease, give_back, lease, move, put_off, stop_leased
from factos_django.store.heads import head
from factos_django.store.matching import Slice
from factos_django.store.narrowing import narrowest_first
from factos_django.store.retries import retried
from factos_django.store.rows import EventRow, Row, recorded_of, select_matching
from factos_django.store.transactions import explaining

__all__ = ["Outcome", "Turn", "advance", "behind", "follow"]

logger = logging.getLogger(__name__)


class Outcome(Enum):
    """How a turn ended."""

    MORE = "more"
    """There may be more facts to apply."""
    CAUGHT_UP = "caught up"
    """It has applied all up to the head."""
    STOPPED = "stopped"
    """It stopped at an event, with the reason on record."""
    PUT_OFF = "put off"
    """Something failed that may pass; it is tried again later."""
    LOST = "taken over"
    """Another worker has taken it over."""
    BUSY = "busy"
    """It could not be leased: another worker has it, it is stopped, or to be tried again later."""
    OUTDATED = "outdated"
    """Its rows are of a newer version than this process knows."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What a worker did for one projection.

    Attributes:
        outcome: How it ended.
        events: How many facts it applied.
        lease: What it held, moved to where it came; None if it was not given one.
        seconds: When it is tried again, if it was put off.
    """

    outcome: Outcome
    events: int = 0
    lease: Lease | None = None
    seconds: float = 0.0


def behind(projections: Iterable[Projection], using: str) -> list[Projection]:
    """Return those of ``projections`` that have a row and are to go on, below the stable head."""
    running = ProjectionState.objects.using(using).filter(
        condition=ProjectionState.Condition.RUNNING, mode="async", position__lt=head(using)
    )
    names = set(running.values_list("name", flat=True))
    return [each for each in projections if each.name in names]


def follow(
    projection: Projection,
    using: str,
    *,
    batches: int | None = None,
    ended: Callable[[], bool] = lambda: False,
) -> Turn:
    """Lease ``projection``, advance it to the head or by so many ``batches``, and give it back.

    It is given back after the batch in which ``ended`` comes to be true, too.
    """
    with _leased(projection.name, using) as held:
        if held is None:
            return Turn(Outcome.BUSY)
        turn, done, events = advance(projection, held), 1, 0
        while turn.outcome is Outcome.MORE and turn.lease and done != batches and not ended():
            events += turn.events
            turn, done = advance(projection, turn.lease), done + 1
        return Turn(turn.outcome, events + turn.events, turn.lease, turn.seconds)


def advance(projection: Projection, held: Lease) -> Turn:
    """Apply one batch: the facts above the checkpoint, at most FACTOS_FOLLOW_BATCH, none above the head.

    Events that cannot be folded are stopped at, or parked, as ``projection.on_error`` says. What failed
    otherwise is on record and tried again later; if that cannot be recorded either, the error is raised.
    """
    if projection.version < held.version:
        _warn_once(OutdatedWorker(name=held.name, stored=held.version, known=projection.version))
        return Turn(Outcome.OUTDATED, lease=held)
    try:
        return _batch(projection, held)
    except LeaseLost as lost:
        logger.warning("%s", lost)
        return Turn(Outcome.LOST, lease=held)
    except Exception as error:
        _reconnect_if_lost(held.using)
        seconds = put_off(held, Failure.at(error, held.position, None))
        logger.warning("Projection %s is tried again in %s s", held.name, seconds, exc_info=error)
        return Turn(Outcome.PUT_OFF, lease=held, seconds=seconds)


def _batch(projection: Projection, held: Lease) -> Turn:
    using, size = held.using, conf.FOLLOW_BATCH
    upto = head(using)  # before the rows: what commits in between lies above it
    if upto <= held.position:
        return Turn(Outcome.CAUGHT_UP, lease=held)
    part = Slice(after=held.position, upto=upto, limit=size)
    rows = select_matching(narrowest_first(projection.query, using), part, using)
    is_full = len(rows) == size
    try:
        moved = _apply(projection, held, rows, rows[-1][0] if is_full else upto)
    except Exception as error:
        if not rows or is_transient(error, using):  # without rows it was the checkpoint, and no event
            raise
        return _one_by_one(projection, held, rows)
    return Turn(Outcome.MORE if is_full else Outcome.CAUGHT_UP, len(rows), moved)


def _apply(projection: Projection, held: Lease, rows: Sequence[Row], position: int) -> Lease:
    using = held.using
    changes = projection.feed.fold(list(recorded_of(rows, using)), using)
    with batch_transaction(using):
        moved = move(held, position)
        projection.feed.write(changes, using)
    return moved


def _one_by_one(projection: Projection, held: Lease, rows: Sequence[Row]) -> Turn:
    """Apply each of ``rows`` by itself, to find those that fail, and to keep the others."""
    events = 0
    for row in rows:
        try:
            held = _apply(projection, held, [row], row[0])
            events += 1
        except Exception as error:
            if is_transient(error, held.using):
                raise
            failure = Failure.at(error, row[0], EventRow._make(row).uuid)
            if projection.on_error == "stop":
                _stop(held, failure)
                return Turn(Outcome.STOPPED, events, held)
            held = _park(held, failure)
    return Turn(Outcome.MORE, events, held)


def _stop(held: Lease, failure: Failure) -> None:
    with batch_transaction(held.using):
        stop_leased(held, failure)
        tell_stopped(held.name, failure, held.using)


def _park(held: Lease, failure: Failure) -> Lease:
    logger.error("Projection %s parks position %s: %s", held.name, failure.position, failure.error)
    with batch_transaction(held.using):
        moved = move(held, failure.position)
        park(held.name, failure, held.using)
    return moved


#: Leases that could not be given back, because the database was away.
_owed: dict[tuple[str, str], Lease] = {}


@contextmanager
def _leased(name: str, using: str) -> Iterator[Lease | None]:
    held = retried(partial(_lease, name, using), using=using)
    try:
        yield held
    finally:
        if held is not None:
            _give_back(held)


def _lease(name: str, using: str) -> Lease | None:
    with explaining(using):
        if owed := _owed.get((using, name)):
            give_back(owed)
            _owed.pop((using, name), None)
        return lease(name, using)


def _give_back(held: Lease) -> None:
    try:
        give_back(held)
    except Error:
        _owed[held.using, held.name] = held


def _reconnect_if_lost(using: str) -> None:
    connection = connections[using]
    if not connection.in_atomic_block and connection.errors_occurred:
        connection.close_if_unusable_or_obsolete()


_warned: set[str] = set()


def _warn_once(error: OutdatedWorker) -> None:
    if str(error) not in _warned:
        _warned.add(str(error))
        logger.error("%s", error)

"""Where projections stand: the only module that writes ProjectionState.

A worker leases a projection under a new token. Whatever it writes later, it writes in a transaction that
first finds this token still there, and holds the row (M. Kleppmann, "How to do distributed locking": a
fencing token). So a worker that was frozen, and replaced meanwhile, writes nothing when it wakes up.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, Protocol

from django.db import Error, connections, transaction
from django.db.models import F

from factos_django.conf import conf
from factos_django.core.errors import LeaseLost
from factos_django.core.query import Query
from factos_django.models import ProjectionState
from factos_django.projections.failures import Failure
from factos_django.store.matching import Slice
from factos_django.store.rows import select_matching
from factos_django.workers.leases import database_now, is_free, this_worker

__all__ = [
    "Lease",
    "checkpoint",
    "ensure_states",
    "give_back",
    "held_by_us",
    "hold",
    "lease",
    "move",
    "needs_rebuild",
    "new_state",
    "put_off",
    "resume",
    "set_missed",
    "set_rebuilt",
    "skip",
    "state_of",
    "stop",
    "stop_leased",
    "version_folded_inline",
]

#: The pause after the first failure that may pass, and the longest (seconds). It doubles in between.
_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 60.0


class Declared(Protocol):
    """What is stored of a projection's declaration."""

    @property
    def name(self) -> str: ...
    @property
    def version(self) -> int: ...
    @property
    def query(self) -> Query: ...
    @property
    def query_digest(self) -> str: ...
    @property
    def mode(self) -> Literal["inline", "async"]: ...
    @property
    def inline(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to move one projection, while nobody has a newer one."""

    using: str
    name: str
    token: int
    position: int
    version: int


def ensure_states(projections: Iterable[Declared], using: str) -> None:
    """Make the rows that are missing.

    An inline projection that is new to a log with facts of its query has missed these: it is stored with
    version 0, which needs a rebuild. A follower begins at 0 and misses nothing.
    """
    known = set(_rows(using).values_list("name", flat=True))
    missing = [each for each in projections if each.name not in known]
    _rows(using).bulk_create([new_state(each, using) for each in missing], ignore_conflicts=True)


def new_state(declared: Declared, using: str) -> ProjectionState:
    """Return the row that it would get now, not stored."""
    has_missed = declared.inline and bool(select_matching(declared.query, Slice(limit=1), using))
    version = 0 if has_missed else declared.version
    return ProjectionState(
        name=declared.name, mode=declared.mode, version=version, query_digest=declared.query_digest
    )


def state_of(name: str, using: str) -> ProjectionState | None:
    """Return the row of ``name``, or None before a worker has made it."""
    return ProjectionState.objects.using(using).filter(pk=name).first()


def needs_rebuild(declared: Declared, state: ProjectionState) -> bool:
    """Tell whether the rows were computed by another version, by another query, or in the other mode."""
    stored = (state.mode, state.version, state.query_digest)
    return stored != (declared.mode, declared.version, declared.query_digest)


def version_folded_inline(declared: Declared, using: str) -> int | None:
    """Return the version of the rows that an append folds its facts into.

    None if it folds nothing: the projection stopped, or is about to become inline only now. Every such append
    asks so, hence no QuerySet.
    """
    connection = connections[using]
    column = connection.ops.quote_name("condition")  # a word of MariaDB's own
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {column}, mode, version FROM factos_projection WHERE name = %s", [declared.name]
        )
        condition, mode, version = cursor.fetchone() or (_RUNNING, "inline", declared.version)
    return version if (condition, mode) == (_RUNNING, "inline") else None


def lease(name: str, using: str) -> Lease | None:
    """Return a new lease; None while it is stopped, somebody has one, or it is to be tried again later."""
    now = database_now(using)
    with transaction.atomic(using=using):
        row = _rows(using).select_for_update(**_skipping(using)).filter(pk=name).first()
        if row is None or not _may_be_leased(row, now):
            return None
        made = Lease(using, name, row.token + 1, row.position, row.version)
        taken = _rows(using).filter(pk=name, token=row.token)
        if not taken.update(token=made.token, worker=this_worker(), leased_until=_until(now)):
            return None  # on SQLite nothing was locked
    return made


def move(lease: Lease, position: int) -> Lease:
    """Set the checkpoint, in the open transaction, and hold the row to its end; raise LeaseLost.

    It is the first statement of that transaction: what follows is written by whoever holds the token.
    """
    now = database_now(lease.using)
    moved = {"position": position, "moved_at": now, "leased_until": _until(now), **_NO_FAILURE}
    if not _leased(lease).filter(position__lte=position).update(**moved):
        raise LeaseLost(name=lease.name)
    return Lease(lease.using, lease.name, lease.token, position, lease.version)


def give_back(lease: Lease) -> None:
    """End the lease, if it is still the newest."""
    _leased(lease).update(worker="", leased_until=None)


def put_off(lease: Lease, failure: Failure) -> float:
    """Record a failure that may pass; return after how many seconds it is tried again."""
    now = database_now(lease.using)
    attempts = (_leased(lease).values_list("attempts", flat=True).first() or 0) + 1
    seconds = min(_FIRST_PAUSE * 2.0 ** (attempts - 1), _LONGEST_PAUSE)
    told = _told(failure, now) | {"attempts": attempts, "retry_at": now + timedelta(seconds=seconds)}
    _leased(lease).update(**told, worker="", leased_until=None)
    return seconds


def stop_leased(lease: Lease, failure: Failure) -> None:
    """Stop at an event that cannot be folded; raise LeaseLost."""
    told = _told(failure, database_now(lease.using)) | {"condition": ProjectionState.Condition.STOPPED}
    if not _leased(lease).update(**told, worker="", leased_until=None):
        raise LeaseLost(name=lease.name)


def stop(declared: Declared, failure: Failure, using: str) -> bool:
    """Stop an inline projection, in the transaction whose fact it could not fold.

    Return whether it was this that stopped it: of two that do at once, the first one's reason stays.
    """
    ensure_states([declared], using)
    told = _told(failure, database_now(using)) | {"condition": ProjectionState.Condition.STOPPED}
    return bool(_rows(using).filter(pk=declared.name).exclude(condition=told["condition"]).update(**told))


def set_missed(declared: Declared, using: str) -> None:
    """Record, in the open transaction, that an inline projection goes without a fact: it needs a rebuild."""
    ensure_states([declared], using)
    _rows(using).filter(pk=declared.name).update(version=0)


def resume(name: str, using: str) -> bool:
    """Let it go on from its checkpoint; return whether it had stopped, or was waiting to try again."""
    going = {"condition": ProjectionState.Condition.RUNNING, **_NO_FAILURE}
    return bool(_rows(using).filter(pk=name).exclude(failed_at=None).update(**going))


def skip(name: str, using: str) -> Failure | None:
    """Let it go on behind the event that it stopped at, in the open transaction; return what failed."""
    stopped = _rows(using).filter(pk=name, condition=ProjectionState.Condition.STOPPED)
    row = stopped.first()
    if row is None or row.failed_position is None:
        return None
    going = {"condition": ProjectionState.Condition.RUNNING, "position": row.failed_position, **_NO_FAILURE}
    if not stopped.filter(failed_position=row.failed_position).update(**going):
        return None  # somebody was faster
    return Failure(row.failed_position, row.failed_event, row.error, row.traceback)


@contextmanager
def held_by_us(declared: Declared, using: str) -> Iterator[None]:
    """Take the projection from whoever follows it, inside the block; an inline one has no follower.

    So nobody waits for the rows that the block holds: a worker that comes finds itself replaced.
    """
    if declared.inline:
        yield
        return
    _rows(using).filter(pk=declared.name).update(
        token=F("token") + 1, worker=this_worker(), leased_until=_until(database_now(using))
    )
    row = _rows(using).get(pk=declared.name)
    try:
        yield
    finally:
        with suppress(Error):  # of a connection that is lost; then the lease ends by itself
            give_back(Lease(using, row.name, row.token, row.position, row.version))


def checkpoint(name: str, using: str) -> int:
    """Return up to where the follower of ``name`` has come; 0 before it began."""
    return _rows(using).filter(pk=name).values_list("position", flat=True).first() or 0


def hold(name: str, using: str) -> int:
    """Keep followers from moving ``name`` until the open transaction ends; return its checkpoint."""
    return int(_rows(using).select_for_update().values_list("position", flat=True).get(pk=name))


def set_rebuilt(declared: Declared, position: int, using: str) -> None:
    """Record, in the open transaction, that the rows are those of this code up to ``position``.

    Whoever has leased the projection loses it.
    """
    now = database_now(using)
    _rows(using).filter(pk=declared.name).update(
        mode=declared.mode,
        version=declared.version,
        query_digest=declared.query_digest,
        condition=ProjectionState.Condition.RUNNING,
        position=position,
        moved_at=now,
        rebuilt_at=now,
        token=F("token") + 1,
        worker="",
        leased_until=None,
        **_NO_FAILURE,
    )


_RUNNING = ProjectionState.Condition.RUNNING.value

_NO_FAILURE: dict[str, Any] = {
    "failed_position": None,
    "failed_event": None,
    "error": "",
    "traceback": "",
    "failed_at": None,
    "attempts": 0,
    "retry_at": None,
}


def _rows(using: str) -> Any:
    return ProjectionState.objects.using(using)


def _leased(lease: Lease) -> Any:
    return _rows(lease.using).filter(pk=lease.name, token=lease.token)


def _skipping(using: str) -> dict[str, bool]:
    return {"skip_locked": connections[using].features.has_select_for_update_skip_locked}


def _until(now: datetime) -> datetime:
    return now + timedelta(seconds=conf.FOLLOW_LEASE_SECONDS)


def _may_be_leased(row: ProjectionState, now: datetime) -> bool:
    running = row.condition == ProjectionState.Condition.RUNNING and row.mode == "async"
    due = row.retry_at is None or row.retry_at <= now
    return running and due and is_free(row.worker, row.leased_until, now)


def _told(failure: Failure, now: datetime) -> dict[str, Any]:
    return {
        "failed_position": failure.position,
        "failed_event": failure.event,
        "error": failure.error,
        "traceback": failure.traceback,
        "failed_at": now,
    }

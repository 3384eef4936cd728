"""Where each projection stands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeAlias
from uuid import UUID

from factos_django.core.query import Query
from factos_django.models import ParkedEvent, ProjectionRun, ProjectionState
from factos_django.projections.selection import here
from factos_django.projections.states import needs_rebuild, new_state, state_of
from factos_django.registry import PROJECTIONS
from factos_django.status.lag import COUNTED, Lag, lag
from factos_django.status.runs import Asked, LastRun, Run, Runs, runs_of
from factos_django.store import head as head_of
from factos_django.store.database import database_for_writing
from factos_django.store.matching import Slice
from factos_django.workers.leases import database_now, is_free

__all__ = [
    "LastError",
    "ProjectionStatus",
    "projection_status",
    "projection_statuses",
    "rows_position",
    "unknown_projections",
]

#: ``new``: nobody has worked on it yet.
Condition: TypeAlias = Literal["new", "running", "stopped"]


@dataclass(frozen=True, slots=True)
class LastError:
    """Why it stopped, or what it tries again after.

    Attributes:
        position: Of the event that could not be folded.
        event: Its id.
        error: What went wrong. The traceback is in ProjectionState.
        since: When.
        attempts: How often it failed in succession, where it tries again.
        next_attempt_at: When it tries again; None if it does not.
    """

    position: int | None
    event: UUID | None
    error: str
    since: datetime
    attempts: int
    next_attempt_at: datetime | None


@dataclass(frozen=True, slots=True)
class ProjectionStatus:
    """One registered projection in one database.

    Attributes:
        name: Its name.
        mode: ``inline`` or ``async``.
        condition: Whether it goes on.
        needs_rebuild: Whether its rows are those of another version or query, or it has missed facts.
        position: The checkpoint of an asynchronous one; None for an inline one, which has none.
        lag: How far it is behind the head; None for an inline one, which never is.
        last_error: What went wrong, until it goes on.
        parked: How many events it went on without.
        worker: Who follows the log for it now; empty for nobody.
        leased_until: How long others leave it to the worker.
        rebuilt_at: When its rows were last computed again; None if they never were.
        run: A rebuild or check of it.
        parked_is_more: Whether there are more parked events than that; they were not all counted.
        asked: A rebuild or check that a worker was asked for, and has not begun.
        last_run: What came of the last rebuild or check; None while another one goes on.
    """

    name: str
    mode: Literal["inline", "async"]
    condition: Condition
    needs_rebuild: bool
    position: int | None
    lag: Lag | None
    last_error: LastError | None
    parked: int
    worker: str
    leased_until: datetime | None
    rebuilt_at: datetime | None
    run: Run | None
    parked_is_more: bool
    asked: Asked | None
    last_run: LastRun | None


def projection_statuses(
    head: int, count_to: int, using: str, *, read_to: int | None = None
) -> tuple[ProjectionStatus, ...]:
    """Return the status of each projection that has to do with ``using``, in the order of names.

    ``read_to`` is as of ``projection_status``.
    """
    now = database_now(using)
    states = {state.name: state for state in ProjectionState.objects.using(using)}
    runs = {run.projection: run for run in ProjectionRun.objects.using(using)}
    return tuple(
        _status(
            each,
            state := states.get(each.name) or new_state(each, using),
            lag=_lag(each, state, head, _share(each.query, count_to, read_to), now, using),
            parked=_parked(each.name, read_to, using),
            runs=runs_of(runs.get(each.name), now, using),
            now=now,
        )
        for each in PROJECTIONS
        if each.takes_part(using)
    )


def projection_status(
    name: str,
    head: int,
    *,
    count_to: int = COUNTED,
    read_to: int | None = None,
    using: str | None = None,
) -> ProjectionStatus:
    """Return the status of the projection ``name`` alone.

    Args:
        name: Of the projection.
        head: The stable head, read before.
        count_to: Up to so many of the events that it has not applied are counted.
        read_to: No statement counts more than so many rows: fewer events where the query has several types,
            and fewer parked ones. None: as many as there are parked.
        using: The alias of the database.

    Raises:
        UnknownProjection: No projection has this name.
        ProjectionElsewhere: It has no table in ``using``.
    """
    alias = database_for_writing(using)
    declared, now = here(name, alias), database_now(alias)
    state = state_of(name, alias) or new_state(declared, alias)
    return _status(
        declared,
        state,
        lag=_lag(declared, state, head, _share(declared.query, count_to, read_to), now, alias),
        parked=_parked(name, read_to, alias),
        runs=runs_of(ProjectionRun.objects.using(alias).filter(pk=name).first(), now, alias),
        now=now,
    )


def rows_position(name: str, using: str | None = None) -> int | None:
    """Return a position up to which rows of ``name`` that are read from now on hold every fact.

    That of an asynchronous projection is its checkpoint, that of an inline one the stable head. None for one
    whose rows may lack a fact: an inline one that stopped, and one that needs a rebuild to follow at all.

    Raises:
        UnknownProjection: No projection has this name.
        ProjectionElsewhere: It has no table in ``using``.
    """
    alias = database_for_writing(using)
    declared = here(name, alias)
    stable = head_of(alias) if declared.inline else None  # before the state: what is above it may be missed
    state = state_of(name, alias) or new_state(declared, alias)
    if state.mode != declared.mode:
        return None
    if stable is None:
        return int(state.position)
    is_whole = state.version > 0 and state.condition == ProjectionState.Condition.RUNNING
    return stable if is_whole else None


def unknown_projections(using: str) -> tuple[str, ...]:
    """Return the names that something is stored of, and that no projection is registered under."""
    stored = ProjectionState.objects.using(using).order_by("name").values_list("name", flat=True)
    return tuple(name for name in stored if PROJECTIONS.named(name) is None)


def _status(
    declared: Any,
    state: ProjectionState,
    *,
    lag: Lag | None,
    parked: tuple[int, bool],
    runs: Runs,
    now: datetime,
) -> ProjectionStatus:
    is_idle = is_free(state.worker, state.leased_until, now)
    return ProjectionStatus(
        name=declared.name,
        mode=declared.mode,
        condition=_condition(state),
        needs_rebuild=needs_rebuild(declared, state),
        position=None if declared.inline else state.position,
        lag=lag,
        last_error=_last_error(state),
        parked=parked[0],
        worker="" if is_idle else state.worker,
        leased_until=None if is_idle else state.leased_until,
        rebuilt_at=state.rebuilt_at,
        run=runs.run,
        parked_is_more=parked[1],
        asked=runs.asked,
        last_run=runs.last_run,
    )


def _share(query: Query, count_to: int, read_to: int | None) -> int:
    """Return up to how many events are counted; each type is read by itself, and one more of it.

    It is one less than a round number, for that is what is said of more.
    """
    if read_to is None:
        return count_to
    branches = sum(max(1, len(item.types)) for item in query.items)
    share = max(2, read_to // max(1, branches))
    unit = int(10 ** (len(str(share)) - 1))
    return min(count_to, share // unit * unit - 1)


def _parked(name: str, read_to: int | None, using: str) -> tuple[int, bool]:
    """Return how many events ``name`` went on without, of those that are read, and whether there are more."""
    rows = ParkedEvent.objects.using(using).filter(projection=name)
    if read_to is None:
        return rows.count(), False
    number = rows[:read_to].count()
    return min(number, read_to - 1), number == read_to


def _lag(
    declared: Any, state: ProjectionState, head: int, count_to: int, now: datetime, using: str
) -> Lag | None:
    if declared.inline:
        return None
    missing = Slice(after=state.position, upto=head, limit=count_to)
    return lag(missing, declared.query, now, using)


def _condition(state: ProjectionState) -> Condition:
    if state._state.adding:
        return "new"
    return "stopped" if state.condition == ProjectionState.Condition.STOPPED else "running"


def _last_error(state: ProjectionState) -> LastError | None:
    if state.failed_at is None:
        return None
    return LastError(
        position=state.failed_position,
        event=state.failed_event,
        error=state.error,
        since=state.failed_at,
        attempts=state.attempts,
        next_attempt_at=state.retry_at,
    )

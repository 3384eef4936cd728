"""Rebuilds and checks of projections: asked for, going on, and what came of the last one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias, cast

from factos_django.models import ProjectionRun
from factos_django.projections.rebuilding.runs import goes_on
from factos_django.projections.selection import here
from factos_django.store.database import database_for_writing
from factos_django.workers.leases import database_now

__all__ = ["Asked", "LastRun", "Outcome", "Run", "Runs", "projection_runs", "runs_of"]

#: ``same`` and ``different`` are those of checks. ``lost``: its process died, or is silent for too long.
Outcome: TypeAlias = Literal["rebuilt", "same", "different", "failed", "interrupted", "lost"]


@dataclass(frozen=True, slots=True)
class Run:
    """A rebuild, or a check, that is going on.

    Attributes:
        worker: Who does it.
        checks_only: Whether it only compares.
        since: When it began.
        position: How far it has come.
        head: How far it has to go.
        events: How many it has folded.
    """

    worker: str
    checks_only: bool
    since: datetime | None
    position: int
    head: int
    events: int


@dataclass(frozen=True, slots=True)
class LastRun:
    """The last rebuild or check, which has ended.

    Attributes:
        checks_only: Whether it only compared.
        tag: It was about the rows that a fact with this tag has changed; empty for all rows.
        outcome: What came of it.
        since: When it began; None for one that was refused before it did.
        ended_at: When it ended; None for one that is lost.
        position: Up to which the rows were computed, as far as it told.
        events: How many it folded, as far as it told.
        missing: How many rows there should have been and were not.
        extra: How many there should not have been.
        different: How many had other values.
        error: Why it failed; it may quote facts.
    """

    checks_only: bool
    tag: str
    outcome: Outcome
    since: datetime | None
    ended_at: datetime | None
    position: int
    events: int
    missing: int
    extra: int
    different: int
    error: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A rebuild, or a check, that a worker was asked for and that none has begun.

    Attributes:
        checks_only: Whether it is only to compare.
        since: When somebody asked.
    """

    checks_only: bool
    since: datetime


@dataclass(frozen=True, slots=True)
class Runs:
    """What is known of the rebuilds and checks of one projection; each may be None."""

    asked: Asked | None = None
    run: Run | None = None
    last_run: LastRun | None = None


def projection_runs(name: str, using: str | None = None) -> Runs:
    """Return the rebuilds and checks of the projection ``name``; it looks at nothing else.

    Raises:
        UnknownProjection: No projection has this name.
        ProjectionElsewhere: It has no table in ``using``.
    """
    alias = database_for_writing(using)
    row = ProjectionRun.objects.using(alias).filter(pk=here(name, alias).name).first()
    return runs_of(row, database_now(alias), alias)


def runs_of(row: ProjectionRun | None, now: datetime, using: str) -> Runs:
    """Return what is known by ``row``."""
    if row is None:
        return Runs()
    asked = None if row.asked_at is None else Asked(row.asked_to_check, row.asked_at)
    if goes_on(row, now, using):
        run = Run(row.worker, row.checks, row.started_at, row.position, row.head, row.events)
        return Runs(asked, run=run)
    return Runs(asked, last_run=_last_run(row))


def _last_run(row: ProjectionRun) -> LastRun | None:
    outcome = row.outcome or ("lost" if row.worker else "")
    if not outcome:  # there was none, or it ended before outcomes were recorded
        return None
    return LastRun(
        checks_only=row.checks,
        tag=row.tag,
        outcome=cast(Outcome, outcome),
        since=row.started_at,
        ended_at=row.ended_at,
        position=row.position,
        events=row.events,
        missing=row.missing,
        extra=row.extra,
        different=row.different,
        error=row.error,
    )

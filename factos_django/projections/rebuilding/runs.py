"""Who rebuilds or checks a projection, and what came of it: the only module that writes ProjectionRun.

One run a projection. It says how far it is, which also says that it is alive; when it was silent for
FOLLOW_LEASE_SECONDS, or its process is dead, the next one takes over under a new token, and the old one
writes nothing more. What came of it stays until the next one begins.
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import Error, connections, transaction
from django.db.models import F

from factos_django.conf import conf
from factos_django.core.errors import LeaseLost, RebuildRunning
from factos_django.models import ProjectionRun
from factos_django.workers.error_text import error_in_words
from factos_django.workers.leases import database_now, is_free, this_worker

__all__ = ["Run", "ask", "begin", "end", "goes_on", "hold", "is_lost", "report", "turn_down", "withdraw"]

#: How long a server may take to see that a process is dead which held the row (seconds), and between looks.
_PATIENCE = 1.0
_POLL = 0.05


@dataclass(frozen=True, slots=True)
class Run:
    """The right to compute one projection again, while nobody has a newer one."""

    using: str
    name: str
    token: int


def begin(name: str, using: str, *, checks: bool, tag: str | None = None) -> Run:
    """Return a new run; raise RebuildRunning while somebody else's goes on."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        row = _row(name, using)
        if not is_free(row.worker, row.leased_until, database_now(using)):
            raise _running(row)
        if _take(row, using, checks=checks, tag=tag or ""):
            return Run(using, name, row.token + 1)
        if time.monotonic() > deadline:
            raise _running(row)
        time.sleep(_POLL)


def ask(name: str, using: str, *, checks: bool) -> None:
    """Record that a worker is to begin a run; raise RebuildRunning while one goes on.

    It claims nothing: whoever begins one, for whatever reason, is who was waited for.
    """
    row, now = _row(name, using), database_now(using)
    if not is_free(row.worker, row.leased_until, now):
        raise _running(row)
    with transaction.atomic(using=using):
        same = _rows(using).filter(pk=name, token=row.token)
        if _is_held(same, using) or not same.update(asked_at=now, asked_to_check=checks):
            raise _running(row)


def withdraw(name: str, using: str) -> None:
    """Wait for nobody any longer: the worker was not told."""
    _rows(using).filter(pk=name, asked_at__isnull=False).update(asked_at=None)


def turn_down(name: str, error: Exception, using: str) -> None:
    """Record why the run that somebody waits for will not begin; nothing where nobody does."""
    waited_for = _rows(using).filter(pk=name, asked_at__isnull=False)
    told = {"started_at": None, "events": 0, "tag": "", "checks": F("asked_to_check")}
    failed = {"outcome": ProjectionRun.Outcome.FAILED, "error": error_in_words(error)}
    waited_for.update(ended_at=database_now(using), asked_at=None, **told, **_NO_ROWS, **failed)


def goes_on(row: ProjectionRun, now: datetime, using: str) -> bool:
    """Tell whether the run of ``row`` goes on, as far as can be seen.

    That of a handler is one transaction, which may take longer than the lease that others see. It holds the
    row, which SQLite does not tell.
    """
    if not is_free(row.worker, row.leased_until, now):
        return True
    if row.worker:
        with suppress(Error), transaction.atomic(using=using):  # of a role that may only read
            return _is_held(_rows(using).filter(pk=row.pk), using)
    return False


def report(run: Run, *, position: int, head: int, events: int) -> None:
    """Say how far ``run`` is, and that it goes on; raise LeaseLost."""
    _update(run, position=position, head=head, events=events, **_lease(run.using))


def hold(run: Run) -> None:
    """Keep everybody else from taking over until the open transaction ends; raise LeaseLost."""
    _update(run, **_lease(run.using))


def is_lost(run: Run) -> bool:
    """Tell whether somebody else has taken over."""
    return not _mine(run).exists()


def end(run: Run, **ended: Any) -> None:
    """Record what came of ``run`` (see ``ending``), and let others begin."""
    _mine(run).update(worker="", leased_until=None, ended_at=database_now(run.using), **ended)


_NO_ROWS: dict[str, Any] = {"missing": 0, "extra": 0, "different": 0}
#: Of a run that begins: nobody knows yet what comes of it.
_BEGINNING: dict[str, Any] = {
    "position": 0,
    "head": 0,
    "events": 0,
    "ended_at": None,
    "outcome": "",
    "error": "",
}


def _update(run: Run, **values: Any) -> None:
    if not _mine(run).update(**values):
        raise LeaseLost(name=run.name)


def _take(row: Any, using: str, *, checks: bool, tag: str) -> bool:
    told = {"checks": checks, "tag": tag, "started_at": database_now(using), "asked_at": None}
    told |= _BEGINNING | _NO_ROWS
    with transaction.atomic(using=using):
        same = _rows(using).filter(pk=row.pk, token=row.token)
        return not _is_held(same, using) and bool(same.update(token=row.token + 1, **told, **_lease(using)))


def _row(name: str, using: str) -> Any:
    """Return the row of ``name``, made where it is missing: to insert in vain would wait for who holds it."""
    if (row := _rows(using).filter(pk=name).first()) is None:
        _rows(using).bulk_create([ProjectionRun(projection=name)], ignore_conflicts=True)
        row = _rows(using).get(pk=name)
    return row


def _is_held(row: Any, using: str) -> bool:
    """Tell whether somebody holds ``row`` (see ``hold``); otherwise we do now, but on SQLite."""
    features = connections[using].features
    if not features.has_select_for_update:
        return False
    return row.select_for_update(skip_locked=features.has_select_for_update_skip_locked).first() is None


def _rows(using: str) -> Any:
    return ProjectionRun.objects.using(using)


def _mine(run: Run) -> Any:
    return _rows(run.using).filter(pk=run.name, token=run.token)


def _lease(using: str) -> dict[str, Any]:
    until = database_now(using) + timedelta(seconds=conf.FOLLOW_LEASE_SECONDS)
    return {"worker": this_worker(), "leased_until": until}


def _running(row: ProjectionRun) -> RebuildRunning:
    return RebuildRunning(
        name=row.projection,
        worker=row.worker,
        since=str(row.started_at),
        until=str(row.leased_until),
    )

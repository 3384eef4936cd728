"""Who rebuilds or checks a projection: the only module that writes ProjectionRun.

One run a projection. It says how far it is, which also says that it is alive; when it was silent for
FOLLOW_LEASE_SECONDS, or its process is dead, the next one takes over under a new token, and the old one
writes nothing more.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import connections, transaction

from factos_django.conf import conf
from factos_django.core.errors import LeaseLost, RebuildRunning
from factos_django.models import ProjectionRun
from factos_django.workers.leases import database_now, is_free, this_worker

__all__ = ["Run", "begin", "end", "hold", "is_lost", "refuse_running", "report"]

#: How long a server may take to see that a process is dead which held the row (seconds), and between looks.
_PATIENCE = 1.0
_POLL = 0.05


@dataclass(frozen=True, slots=True)
class Run:
    """The right to compute one projection again, while nobody has a newer one."""

    using: str
    name: str
    token: int


def begin(name: str, using: str, *, checks: bool) -> Run:
    """Return a new run; raise RebuildRunning while somebody else's goes on."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        row = _row(name, using)
        if not is_free(row.worker, row.leased_until, database_now(using)):
            raise _running(row)
        if _take(row, checks, using):
            return Run(using, name, row.token + 1)
        if time.monotonic() > deadline:
            raise _running(row)
        time.sleep(_POLL)


def refuse_running(name: str, using: str) -> None:
    """Raise RebuildRunning while somebody rebuilds or checks ``name``. It claims nothing: look, then ask."""
    row = _rows(using).filter(pk=name).first()
    if row is not None and not is_free(row.worker, row.leased_until, database_now(using)):
        raise _running(row)


def report(run: Run, *, position: int, head: int, events: int) -> None:
    """Say how far ``run`` is, and that it goes on; raise LeaseLost."""
    _update(run, position=position, head=head, events=events, **_lease(run.using))


def hold(run: Run) -> None:
    """Keep everybody else from taking over until the open transaction ends; raise LeaseLost."""
    _update(run, **_lease(run.using))


def is_lost(run: Run) -> bool:
    """Tell whether somebody else has taken over."""
    return not _mine(run).exists()


def end(run: Run) -> None:
    """Let others begin."""
    _mine(run).update(worker="", leased_until=None)


def _update(run: Run, **values: Any) -> None:
    if not _mine(run).update(**values):
        raise LeaseLost(name=run.name)


def _take(row: Any, checks: bool, using: str) -> bool:
    told = {"checks": checks, "started_at": database_now(using), "position": 0, "head": 0, "events": 0}
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

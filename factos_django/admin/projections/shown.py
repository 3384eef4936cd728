"""Projections as the pages of the admin show them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib.admin.utils import quote
from django.utils.translation import gettext, ngettext

from factos_django.admin.projections.durations import duration_in_words
from factos_django.admin.projections.numbers import counted
from factos_django.admin.projections.run_told import RunTold, run_told
from factos_django.status import Lag, LastError, ProjectionStatus, Runs

__all__ = ["READ", "ShownProjection", "shown_projection"]

#: No statement counts more, of events that it has not applied and of those that are parked (rows).
READ = 1_000

#: So much of an error is shown in one line (characters).
_ERROR = 120


@dataclass(frozen=True, slots=True)
class ShownProjection:
    """What pages say of a projection beside its status.

    Attributes:
        status: Where it stands.
        quoted: How an address names it.
        state: Whether it goes on, in words.
        lag: How far it is behind, in words; empty for one that never is.
        parked: How many events it went on without, in words.
        error: What went wrong, in one line; empty for who may not see the data of facts, which it may quote.
        position: That of the event which it could not fold, in digits; empty where there is none.
        may_resume: Whether it can go on from where it is: it stopped, or waits to try again.
        may_skip: Whether it can go on without the event that it stopped at.
        run: Its rebuilds and checks.
    """

    status: ProjectionStatus
    quoted: str
    state: str
    lag: str
    parked: str
    error: str
    position: str
    may_resume: bool
    may_skip: bool
    run: RunTold


def shown_projection(status: ProjectionStatus, *, with_data: bool) -> ShownProjection:
    """Return ``status`` for a page."""
    error, has_stopped = status.last_error, status.condition == "stopped"
    can_go_on = status.mode == "async" and error is not None
    return ShownProjection(
        status=status,
        quoted=quote(status.name),
        state=_state(status),
        lag="" if status.lag is None else _lag(status.lag),
        parked=counted(status.parked, is_more=status.parked_is_more) if status.parked else "",
        error=_one_line(error) if error is not None and with_data else "",
        position="" if error is None or error.position is None else str(error.position),
        may_resume=can_go_on,
        may_skip=can_go_on and has_stopped and error is not None and error.position is not None,
        run=run_told(Runs(status.asked, status.run, status.last_run), with_data=with_data),
    )


def _state(status: ProjectionStatus) -> str:
    said: dict[str, Any] = {
        "new": gettext("new"),
        "running": gettext("running"),
        "stopped": gettext("stopped"),
    }
    return str(said[status.condition])


def _lag(lag: Lag) -> str:
    if not lag.events:
        return gettext("none")
    number = counted(lag.events, is_more=lag.is_more)
    return ngettext("%(number)s event, %(time)s", "%(number)s events, %(time)s", lag.events) % {
        "number": number,
        "time": duration_in_words(lag.seconds),
    }


def _one_line(error: LastError) -> str:
    said = " ".join(error.error.split())
    return said if len(said) <= _ERROR else f"{said[: _ERROR - 1]}…"

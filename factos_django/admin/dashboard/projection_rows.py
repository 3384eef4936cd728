"""Where each projection stands, as a row of a table."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from factos_django.admin.dashboard.links import Links
from factos_django.admin.projections.durations import duration_in_words
from factos_django.admin.projections.numbers import counted
from factos_django.status import Lag, LastError, ProjectionStatus, Run

__all__ = ["Failed", "ProjectionRow", "projection_rows"]

_MODES: dict[str, Any] = {"inline": gettext_lazy("inline"), "async": gettext_lazy("async")}
_CONDITIONS: dict[str, Any] = {
    "new": gettext_lazy("new"),
    "running": gettext_lazy("running"),
    "stopped": gettext_lazy("stopped"),
}


@dataclass(frozen=True, slots=True)
class Failed:
    """What went wrong.

    Attributes:
        position: Of the fact that it was about; empty where that is not known.
        url: Of the page of that fact; empty for whoever may not see it.
        error: In whose words it is; nothing for whoever may not see the data of facts.
        since: When.
        next_attempt_at: When it is tried again; None if it is not.
    """

    position: str
    url: str
    error: str
    since: datetime
    next_attempt_at: datetime | None


@dataclass(frozen=True, slots=True)
class ProjectionRow:
    """One projection.

    Attributes:
        name: Its name.
        url: Of its page; empty where the site has none.
        mode: In words.
        condition: In words.
        is_stopped: Whether it has stopped.
        needs_rebuild: Whether its rows are not those of today's code and facts.
        position: Its checkpoint; nothing for an inline one.
        events: How many facts it is behind, in words; nothing where it is not.
        age: For how long the first of them has waited, in words; nothing where none does.
        details: What there is to say besides, in sentences.
        failed: What went wrong, if anything did.
    """

    name: str
    url: str
    mode: str
    condition: str
    is_stopped: bool
    needs_rebuild: bool
    position: str
    events: str
    age: str
    details: list[str]
    failed: Failed | None


def projection_rows(
    statuses: Iterable[ProjectionStatus], links: Links, *, with_data: bool
) -> list[ProjectionRow]:
    """Return a row for each of ``statuses``."""
    return [_row(each, links, with_data) for each in statuses]


def _row(each: ProjectionStatus, links: Links, with_data: bool) -> ProjectionRow:
    events, age = _behind(each.lag)
    return ProjectionRow(
        name=each.name,
        url=links.projection(each.name),
        mode=str(_MODES[each.mode]),
        condition=str(_CONDITIONS[each.condition]),
        is_stopped=each.condition == "stopped",
        needs_rebuild=each.needs_rebuild,
        position="" if each.position is None else str(each.position),
        events=events,
        age=age,
        details=_details(each),
        failed=None if each.last_error is None else _failed(each.last_error, links, with_data),
    )


def _behind(lag: Lag | None) -> tuple[str, str]:
    if lag is None or not lag.events:
        return "", ""
    return counted(lag.events, is_more=lag.is_more), duration_in_words(lag.seconds)


def _details(each: ProjectionStatus) -> list[str]:
    said = []
    if each.parked:
        words = ngettext("Went on without %(number)s fact.", "Went on without %(number)s facts.", each.parked)
        said.append(words % {"number": counted(each.parked, is_more=each.parked_is_more)})
    if each.run is not None:
        said.append(_going_on(each.run))
    return said


def _going_on(run: Run) -> str:
    words = (
        _("A check goes on, at #%(position)s of #%(head)s.")
        if run.checks_only
        else _("A rebuild goes on, at #%(position)s of #%(head)s.")
    )
    return words % {"position": run.position, "head": run.head}


def _failed(error: LastError, links: Links, with_data: bool) -> Failed:
    return Failed(
        position="" if error.position is None else str(error.position),
        url="" if error.position is None else links.fact(error.position),
        error=error.error if with_data else "",
        since=error.since,
        next_attempt_at=error.next_attempt_at,
    )

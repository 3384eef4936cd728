"""What a page says of the rebuilds and checks of a projection, and what it is told again as one goes on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeAlias

from django.utils.translation import gettext, ngettext

from factos_django.admin.projections.numbers import grouped
from factos_django.status import Asked, LastRun, Run, Runs

__all__ = ["RunTold", "run_told"]

Phase: TypeAlias = Literal["none", "waiting", "running", "ended"]


@dataclass(frozen=True, slots=True)
class RunTold:
    """A rebuild or a check in words.

    Attributes:
        phase: ``waiting``: for a worker that was asked. ``none``: there was none.
        heading: What it is.
        text: How far it is, or what came of it.
        percent: How far it is; None where nobody can tell.
        short: What came of it, in a word or two; empty while it goes on.
        is_bad: Whether somebody has to look at what came of it.
        error: Why it failed; empty for a user who may not see the data of facts, which it may quote.
        since: When it was asked for, or began.
        ended_at: When it ended.
        worker: Who does it.
    """

    phase: Phase
    heading: str
    text: str
    percent: int | None = None
    short: str = ""
    is_bad: bool = False
    error: str = ""
    since: datetime | None = None
    ended_at: datetime | None = None
    worker: str = ""

    @property
    def is_over(self) -> bool:
        """Whether nothing more is to come."""
        return self.phase in ("none", "ended")

    def as_data(self) -> dict[str, Any]:
        """Return what changes while it goes on, as plain data that has JSON."""
        told = ("phase", "heading", "text", "percent", "error", "is_over")
        return {each: getattr(self, each) for each in told}


def run_told(runs: Runs, *, with_data: bool) -> RunTold:
    """Return in words what ``runs`` says: what goes on, else what is waited for, else the last one."""
    if runs.run is not None:
        return _going_on(runs.run)
    if runs.asked is not None:
        return _waiting(runs.asked)
    if runs.last_run is not None:
        return _ended(runs.last_run, with_data=with_data)
    return RunTold("none", gettext("Rebuilds and checks"), gettext("There was none yet."))


def _going_on(run: Run) -> RunTold:
    heading = gettext("A check goes on") if run.checks_only else gettext("A rebuild goes on")
    told = RunTold("running", heading, gettext("It begins."), since=run.since, worker=run.worker)
    if not run.head:  # that of a handler says nothing before its transaction ends
        return told
    percent = min(100, run.position * 100 // run.head)
    text = ngettext(
        "%(events)s event, at #%(position)d of #%(head)d (%(percent)d %%)",
        "%(events)s events, at #%(position)d of #%(head)d (%(percent)d %%)",
        run.events,
    ) % {"events": grouped(run.events), "position": run.position, "head": run.head, "percent": percent}
    return RunTold("running", heading, text, percent, since=run.since, worker=run.worker)


def _waiting(asked: Asked) -> RunTold:
    heading = gettext("A check was asked for") if asked.checks_only else gettext("A rebuild was asked for")
    return RunTold("waiting", heading, gettext("Waiting for a worker: none has begun."), since=asked.since)


def _ended(run: LastRun, *, with_data: bool) -> RunTold:
    heading = gettext("The last check") if run.checks_only else gettext("The last rebuild")
    return RunTold(
        "ended",
        heading,
        " ".join(filter(None, [_outcome(run), _part(run)])),
        short=_short(run),
        is_bad=run.outcome not in ("rebuilt", "same"),
        error=run.error if with_data else "",
        since=run.since,
        ended_at=run.ended_at,
    )


def _short(run: LastRun) -> str:
    number = run.missing + run.extra + run.different
    said = {
        "rebuilt": gettext("done"),
        "same": gettext("no row is wrong"),
        "different": ngettext("%(rows)s row is wrong", "%(rows)s rows are wrong", number),
        "failed": gettext("failed"),
        "interrupted": gettext("interrupted"),
        "lost": gettext("ended without a word"),
    }
    return said[run.outcome] % {"rows": grouped(number)}


def _part(run: LastRun) -> str:
    if not run.tag:
        return ""
    return gettext("It was about the rows alone that facts with the tag %(tag)s have changed.") % {
        "tag": run.tag
    }


def _outcome(run: LastRun) -> str:
    match run.outcome:
        case "rebuilt":
            return _done(gettext("Rebuilt from %(events)s: %(rows)s put right."), run)
        case "same":
            return _done(gettext("All rows are what %(events)s say."), run)
        case "different":
            return _done(gettext("Compared with %(events)s, %(rows)s wrong: %(which)s."), run)
        case "failed":
            return gettext("It failed, and the rows are as they were.")
        case "interrupted":
            return gettext("It was interrupted, and the rows are as they were. Ask again.")
        case _:
            return gettext(
                "It ended without a word: its worker died, or is silent for too long. The rows are as they "
                "were, and nobody begins again: ask again."
            )


def _done(sentence: str, run: LastRun) -> str:
    number = run.missing + run.extra + run.different
    events = ngettext("%(events)s event", "%(events)s events", run.events) % {"events": grouped(run.events)}
    rows = ngettext("%(rows)s row was", "%(rows)s rows were", number) % {"rows": grouped(number)}
    which = gettext("%(missing)s missing, %(extra)s too many, %(different)s with other values") % {
        "missing": grouped(run.missing),
        "extra": grouped(run.extra),
        "different": grouped(run.different),
    }
    return sentence % {"events": events, "rows": rows, "which": which}

"""Where the log stands, in words."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from factos_django.admin.dashboard.rough_numbers import roughly
from factos_django.admin.projections.durations import duration_in_words
from factos_django.status import Holder, LogStatus

__all__ = ["Held", "LogFigures", "held_by", "log_figures"]

#: So much of a statement is shown (characters).
_QUERY_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Held:
    """Who holds the head back.

    Attributes:
        who: The session.
        named: What it calls itself, or nothing.
        age: For how long its transaction is open, or nothing.
        state: What it does, as the server says it.
        query: Its statement, which may quote facts; nothing for whoever may not see their data.
        is_too_long: Whether it takes longer than FACTOS_MAX_HELD_SECONDS.
    """

    who: str
    named: str
    age: str
    state: str
    query: str
    is_too_long: bool


@dataclass(frozen=True, slots=True)
class LogFigures:
    """The log: its positions as they are, its number of facts in words, and who holds the head back."""

    head: str
    position: str
    is_behind: bool
    events: str
    held: Held | None


def log_figures(log: LogStatus, *, with_data: bool) -> LogFigures:
    """Return what the page says of ``log``."""
    return LogFigures(
        head=str(log.head),
        position=str(log.position),
        is_behind=log.position > log.head,
        events=roughly(log.events, is_about=log.is_estimate),
        held=None if log.holder is None else _held(log.holder, log.is_held_too_long, with_data=with_data),
    )


def _held(holder: Holder, is_too_long: bool, *, with_data: bool) -> Held:
    query = " ".join((holder.query or "").split()) if with_data else ""
    return Held(
        who=held_by(holder),
        named=holder.application_name or "",
        age="" if holder.seconds is None else duration_in_words(holder.seconds),
        state=holder.state or "",
        query=query if len(query) <= _QUERY_SHOWN else f"{query[: _QUERY_SHOWN - 1]}…",
        is_too_long=is_too_long,
    )


def held_by(holder: Holder) -> str:
    """Return how the session is called."""
    if holder.pid is None:
        return _("a prepared transaction")
    return _("pid %(pid)s") % {"pid": str(holder.pid)}

"""Facts that were recorded in some period."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from factos_django.admin.events.asked import Asked
from factos_django.admin.events.event_filter import EventFilter

__all__ = ["PeriodFilter"]

_QUICK = (
    (gettext_lazy("Last 15 minutes"), timedelta(minutes=15)),
    (gettext_lazy("Last hour"), timedelta(hours=1)),
    (gettext_lazy("Last day"), timedelta(days=1)),
)


class PeriodFilter(EventFilter):
    """Facts that were recorded after a moment and before another, in the current time zone."""

    title = gettext_lazy("time")
    template = "admin/factos/event/period_filter.html"
    parameters = ("recorded_after", "recorded_before")

    def narrow(self, asked: Asked) -> Asked:
        """Return what was recorded in this period besides."""
        after, before = (self._moment(name) for name in self.parameters)
        if after is not None and before is not None and after >= before:
            self.problems.append(_("The period ends before it begins."))
        return asked.within(after, before)

    def _moment(self, name: str) -> datetime | None:
        text = self.one(name)
        moment = _moment_of(text) if text else None
        if text and moment is None:
            self.problems.append(_("“%(text)s” is no time: 2026-11-24T16:00 is one.") % {"text": text[:60]})
        return moment

    def shown(self, changelist: Any) -> dict[str, Any]:
        """Return the period as inputs take it, and addresses of periods that are often wanted."""
        now = datetime.now(UTC)
        return {
            "after": _as_input(self.one("recorded_after")),
            "before": _as_input(self.one("recorded_before")),
            "zone": timezone.get_current_timezone_name(),
            "quick": [(words, _since(now - length, changelist)) for words, length in _QUICK],
        }


def _moment_of(text: str) -> datetime | None:
    """Return the moment, in UTC; None for what is none. Every database knows these years in every zone."""
    try:
        given = datetime.fromisoformat(text)
        aware = given if given.tzinfo else given.replace(tzinfo=timezone.get_current_timezone())
        moment = aware.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment if 1970 <= moment.year <= 8999 else None


def _as_input(text: str) -> str:
    moment = _moment_of(text)
    if moment is None:
        return text
    local = moment.astimezone(timezone.get_current_timezone()).replace(tzinfo=None)
    return local.isoformat(timespec="milliseconds" if local.microsecond else "seconds")


def _since(moment: datetime, changelist: Any) -> str:
    said = moment.strftime("%Y-%m-%dT%H:%M:%SZ")
    return str(changelist.get_query_string({"recorded_after": said, "recorded_before": None}))

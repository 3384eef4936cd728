"""Facts that were recorded in some period."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from factos_django.admin.events.asked import Asked
from factos_django.admin.events.event_filter import EventFilter
from factos_django.admin.moments import as_input, moment_in, shown_zone

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
        moment = moment_in(text) if text else None
        if text and moment is None:
            self.problems.append(_("“%(text)s” is no time: 2026-11-24T16:00 is one.") % {"text": text[:60]})
        return moment

    def shown(self, changelist: Any) -> dict[str, Any]:
        """Return the period as inputs take it, and addresses of periods that are often wanted."""
        now = datetime.now(UTC)
        return {
            "after": as_input(self.one("recorded_after")),
            "before": as_input(self.one("recorded_before")),
            "zone": str(shown_zone()),
            "quick": [(words, _since(now - length, changelist)) for words, length in _QUICK],
        }


def _since(moment: datetime, changelist: Any) -> str:
    said = moment.strftime("%Y-%m-%dT%H:%M:%SZ")
    return str(changelist.get_query_string({"recorded_after": said, "recorded_before": None}))

"""Facts of one correlation."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from factos_django.admin.events.asked import Asked
from factos_django.admin.events.event_filter import EventFilter
from factos_django.core.metadata import is_storable_text

__all__ = ["CorrelationFilter"]


class CorrelationFilter(EventFilter):
    """Facts that have this text, to the letter, as the correlation in their metadata."""

    title = gettext_lazy("correlation")
    template = "admin/factos/event/correlation_filter.html"
    parameters = ("correlation_id",)

    def narrow(self, asked: Asked) -> Asked:
        """Return what has this correlation besides."""
        text = self.one("correlation_id")
        if not is_storable_text(text):
            self.problems.append(_("The correlation holds a character that no database takes."))
            return asked
        return asked.of_correlation(text) if text else asked

    def shown(self, changelist: Any) -> dict[str, Any]:
        """Return the text."""
        return {"text": self.one("correlation_id")}

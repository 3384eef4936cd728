"""Effects that were asked for in some period."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from factos_django.admin.effects.effect_filter import EffectListFilter
from factos_django.admin.moments import as_input, moment_in, shown_zone
from factos_django.effects.finding import EffectFilter

__all__ = ["CreatedFilter"]


class CreatedFilter(EffectListFilter):
    """Effects that were asked for after a moment and before another, in the current time zone."""

    title = gettext_lazy("time")
    template = "admin/factos/effect/created_filter.html"
    parameters = ("created_after", "created_before")

    def chosen(self) -> EffectFilter | None:
        """Return those of this period."""
        after, before = (self._moment(name) for name in self.parameters)
        if after is not None and before is not None and after >= before:
            self.problems.append(_("The period ends before it begins."))
        if after is None and before is None:
            return None
        return EffectFilter(created_after=after, created_before=before)

    def shown(self, changelist: Any) -> dict[str, Any]:
        """Return the period as inputs take it."""
        after, before = (as_input(self.one(name)) for name in self.parameters)
        return {"after": after, "before": before, "zone": str(shown_zone())}

    def _moment(self, name: str) -> datetime | None:
        text = self.one(name)
        moment = moment_in(text) if text else None
        if text and moment is None:
            self.problems.append(_("“%(text)s” is no time: 2026-11-24T16:00 is one.") % {"text": text[:60]})
        return moment

"""Effects that were asked for in some period."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from factos_django.admin.effects.effect_filter import EffectListFilter
from factos_django.admin.effects.zone import shown_zone
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
        after, before = (_as_input(self.one(name)) for name in self.parameters)
        return {"after": after, "before": before, "zone": str(shown_zone())}

    def _moment(self, name: str) -> datetime | None:
        text = self.one(name)
        moment = _moment_of(text) if text else None
        if text and moment is None:
            self.problems.append(_("“%(text)s” is no time: 2026-11-24T16:00 is one.") % {"text": text[:60]})
        return moment


def _moment_of(text: str) -> datetime | None:
    """Return the moment, in UTC; None for what is none. Every database knows these years in every zone."""
    try:
        given = datetime.fromisoformat(text)
        moment = (given if given.tzinfo else given.replace(tzinfo=shown_zone())).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment if 1970 <= moment.year <= 8999 else None


def _as_input(text: str) -> str:
    moment = _moment_of(text)
    if moment is None:
        return text
    local = moment.astimezone(shown_zone()).replace(tzinfo=None)
    return local.isoformat(timespec="milliseconds" if local.microsecond else "seconds")

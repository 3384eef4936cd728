"""Effects in one state."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from factos_django.admin.effects.effect_filter import EffectListFilter
from factos_django.effects.finding import EffectFilter
from factos_django.models import Effect

__all__ = ["StateFilter"]


class StateFilter(EffectListFilter):
    """Links, as Django's own filters are."""

    title = gettext_lazy("state")
    template = "admin/filter.html"
    parameters = ("state",)

    def chosen(self) -> EffectFilter | None:
        """Return those in this state."""
        state = self.one("state")
        if state and state not in Effect.State.values:
            self.problems.append(_("“%(text)s” is no state of an effect.") % {"text": state[:60]})
        return EffectFilter(state=state) if state else None

    def choices(self, changelist: Any) -> Iterator[dict[str, Any]]:
        """Yield all, and each state."""
        state = self.one("state")
        for value, words in [(None, _("All")), *Effect.State.choices]:
            yield {
                "selected": state == (value or ""),
                "query_string": changelist.get_query_string({"state": value}),
                "display": words,
            }

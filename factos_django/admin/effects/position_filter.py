"""Effects of one fact."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from factos_django.admin.effects.effect_filter import EffectListFilter
from factos_django.admin.effects.numbers import number_of
from factos_django.effects.finding import EffectFilter

__all__ = ["PositionFilter"]


class PositionFilter(EffectListFilter):
    """Effects that the fact at a position called for."""

    title = gettext_lazy("fact")
    template = "admin/factos/effect/position_filter.html"
    parameters = ("position",)

    def chosen(self) -> EffectFilter | None:
        """Return those of the fact at this position."""
        text = self.one("position").removeprefix("#")
        if not text:
            return None
        position = number_of(text)
        if position is None:
            self.problems.append(_("“%(text)s” is no position of a fact.") % {"text": text[:60]})
        return EffectFilter(position=position)

    def shown(self, changelist: Any) -> dict[str, Any]:
        """Return the position."""
        return {"text": self.one("position")}

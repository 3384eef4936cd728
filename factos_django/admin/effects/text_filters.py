"""Effects that have a text in a column, to the letter."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from factos_django.admin.effects.effect_filter import EffectListFilter
from factos_django.core.metadata import is_storable_text
from factos_django.effects.finding import EffectFilter
from factos_django.registry import HANDLERS, REACTORS

__all__ = ["NameFilter", "OrderingKeyFilter", "ReactorFilter"]


class _TextFilter(EffectListFilter):
    template = "admin/factos/effect/text_filter.html"

    def chosen(self) -> EffectFilter | None:
        """Return those that have this text."""
        (column,) = self.parameters
        text = self.one(column)
        if not is_storable_text(text):
            self.problems.append(
                _("By %(title)s: it holds a character that no database takes.") % {"title": self.title}
            )
        asked: dict[str, Any] = {column: text}
        return EffectFilter(**asked) if text else None

    def shown(self, changelist: Any) -> dict[str, Any]:
        """Return the text, and names that this code knows."""
        (column,) = self.parameters
        return {"name": column, "text": self.one(column), "known": list(self.known())}

    def known(self) -> Iterable[str]:
        """Return what is offered."""
        return ()


class ReactorFilter(_TextFilter):
    """Effects that one reactor asked for."""

    title = gettext_lazy("reactor")
    parameters = ("reactor",)

    def known(self) -> Iterable[str]:
        """Return the reactors that are registered; older effects may be of others."""
        return (each.name for each in REACTORS)


class NameFilter(_TextFilter):
    """Effects of one type."""

    title = gettext_lazy("effect")
    parameters = ("name",)

    def known(self) -> Iterable[str]:
        """Return the types that have a handler; older effects may be of others."""
        return (each.name for each in HANDLERS)


class OrderingKeyFilter(_TextFilter):
    """Effects that are delivered one after another."""

    title = gettext_lazy("ordering key")
    parameters = ("ordering_key",)

"""Filters of the list of effects."""

from __future__ import annotations

from factos_django.admin.form_filter import FormFilter
from factos_django.effects.finding import EffectFilter

__all__ = ["EffectListFilter"]


class EffectListFilter(FormFilter):
    """A filter of effects. Subclass it, and name it in ``list_filter`` of an EffectAdmin."""

    def chosen(self) -> EffectFilter | None:
        """Return which effects it leaves, None for all; add to ``problems`` what cannot be understood."""
        return None

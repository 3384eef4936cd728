"""Reading a page of the outbox for the admin."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest

from factos_django.admin.effects.clauses import clause_of
from factos_django.admin.effects.counts import Due, StateCount, oldest_due, state_counts
from factos_django.admin.effects.effect_filter import EffectListFilter
from factos_django.admin.effects.paging import EffectPages
from factos_django.admin.effects.search import clause_of_search
from factos_django.admin.effects.shown import shown_effects
from factos_django.admin.keyset import Found, KeysetChangeList
from factos_django.effects.finding import EffectFilter

__all__ = ["EffectChangeList"]


class EffectChangeList(KeysetChangeList):
    """A page of effects, those that were written last first.

    Attributes:
        chosen: What each of the filters asks for.
        sees_data: Whether the user may see the data of facts, which errors may quote.
    """

    chosen: list[EffectFilter]
    sees_data: bool
    _sees_facts: bool

    def get_queryset(
        self, request: HttpRequest, exclude_parameters: list[str | None] | None = None
    ) -> QuerySet[Any]:
        """Find out what is asked for, and return all effects: ``found`` reads those that are meant."""
        admin: Any = self.model_admin
        queryset = super().get_queryset(request, exclude_parameters)
        self.sees_data = admin.may(request, "view_event_data")
        self._sees_facts = admin.may(request, "view_event")
        asked = [spec for spec in self.filter_specs if isinstance(spec, EffectListFilter)]
        self.chosen = [chosen for spec in asked if (chosen := spec.chosen()) is not None]
        self.problems += [problem for spec in asked for problem in spec.problems]
        return queryset

    def found(self, *, before: int | None, after: int | None, limit: int) -> Found:
        """Return the effects that all filters and the search ask for; none for what was not understood."""
        if self.problems:
            return Found([], is_cut=False)
        found = self._pages().found(before=before, after=after, limit=limit)
        admin: Any = self.model_admin
        rows = shown_effects(
            found.rows, with_data=self.sees_data, fact_url=admin.fact_url if self._sees_facts else _nowhere
        )
        return Found(rows, found.is_cut, found.looked_to)

    def state_counts(self) -> list[StateCount]:
        """Return how many effects are in each state, of all pages and whatever the filters say."""
        return state_counts(self.root_queryset)

    def oldest_due(self) -> Due | None:
        """Return the effect that has been due for longest."""
        admin: Any = self.model_admin
        return oldest_due(self.root_queryset, admin.alias)

    def _pages(self) -> EffectPages:
        using = self.model_admin.alias  # type: ignore[attr-defined]  # a LogAdmin
        clauses = [clause_of(each, using) for each in self.chosen]
        searched = clause_of_search(self.query, using)
        afters = [each.created_after for each in self.chosen if each.created_after is not None]
        befores = [each.created_before for each in self.chosen if each.created_before is not None]
        return EffectPages(
            self.root_queryset.defer("data", "traceback"),
            clauses if searched is None else [searched, *clauses],
            created_after=max(afters, default=None),
            created_before=min(befores, default=None),
        )


def _nowhere(position: int) -> str:
    del position
    return ""

"""A page of the effects that are meant, for which no statement reads more than a thousand rows.

Where an index tells that few are meant, those are looked at. Where it tells of too many, or there is none,
rows are looked at one after another in the order of ids, and no more of them than WINDOWS times WINDOW: the
page says how far. In neither case is it left to the planner of the database where it looks: what is asked
stands among the columns that are selected, and not in the WHERE.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import and_
from typing import Any

from django.db.models import BooleanField, ExpressionWrapper, Q, QuerySet, Value

from factos_django.admin.effects.clauses import Clause, Look
from factos_django.admin.effects.created_span import created_span
from factos_django.admin.keyset import Found

__all__ = ["FEW", "WINDOW", "WINDOWS", "EffectPages"]

#: So many effects are few: an index is asked for the ids of all of them (rows).
FEW = 900
#: What one statement looks at (rows), and how many of those are made for a page.
WINDOW, WINDOWS = 1_000, 10


@dataclass(frozen=True, slots=True)
class EffectPages:
    """The pages of the effects that are meant.

    Attributes:
        rows: All effects, in no order.
        clauses: What is asked of them: all of it.
        created_after: They were asked for after that moment, as one of the clauses says.
        created_before: The same, before that moment.
    """

    rows: QuerySet[Any]
    clauses: Sequence[Clause]
    created_after: datetime | None = None
    created_before: datetime | None = None

    def found(self, *, before: int | None, after: int | None, limit: int) -> Found:
        """Return those below ``before`` from the highest down, or above ``after`` from the lowest up."""
        page = _Page(self.rows, self._condition(), is_upward=after is not None, limit=limit)
        ids = self._few(page)
        if ids is not None:
            return page.of([id for id in ids if (after or 0) < id and (before is None or id < before)])
        low, high = self._span()
        low = max(low, after or 0)
        return page.between(low, high if before is None else min(high, before - 1))

    def _condition(self) -> Q:
        return reduce(and_, (each.condition for each in self.clauses), Q())

    def _few(self, page: _Page) -> list[int] | None:
        """Return the ids of all that are meant, from the first index that tells of a few; None for many."""
        for clause in self.clauses:
            ids = page.looked_up(clause.looks) if clause.looks else None
            if ids is not None:
                return ids
        return None

    def _span(self) -> tuple[int, int]:
        """Return ids between which (the second included) all that are meant are."""
        ids = self.rows.values_list("pk", flat=True)
        last, first = ids.order_by("-pk").first(), ids.order_by("pk").first()
        if last is None or first is None:
            return 0, 0
        return created_span(self.rows, self.created_after, self.created_before, first, last)


@dataclass(frozen=True, slots=True)
class _Page:
    rows: QuerySet[Any]
    condition: Q
    is_upward: bool
    limit: int

    def looked_up(self, looks: Sequence[Look]) -> list[int] | None:
        """Return the ids of those that these looks find; None where one of them finds more than a few."""
        ids: set[int] = set()
        for look in looks:
            found = list(self._judged(self.rows.filter(look.condition).order_by(*look.order))[: FEW + 1])
            if len(found) > FEW:
                return None
            ids |= {id for id, meets in found if meets}
        return list(ids)

    def of(self, ids: Iterable[int]) -> Found:
        """Return the page of those of ``ids``."""
        return self._cut(sorted(ids, reverse=not self.is_upward))

    def between(self, low: int, high: int) -> Found:
        """Return the page of those above ``low`` and up to ``high`` that meet the condition."""
        met: list[int] = []
        place, end = (low, high) if self.is_upward else (high + 1, low + 1)
        for _ in range(WINDOWS):
            window = self._window(place)
            place = window[-1][0] if window else place
            met += [id for id, meets in window if meets and low < id <= high]
            is_over = len(window) < self._size() or (place >= end if self.is_upward else place <= end)
            if len(met) > self.limit or is_over:
                return self._cut(met)
        return self._cut(met, looked_to=place)

    def _window(self, place: int) -> list[tuple[int, bool]]:
        # Only where it begins stands in the WHERE: of two ends a planner might think that few are between.
        beyond = Q(pk__gt=place) if self.is_upward else Q(pk__lt=place)
        return list(self._judged(self.rows.filter(beyond).order_by(self._order()))[: self._size()])

    def _size(self) -> int:
        return WINDOW if self.condition else self.limit + 1

    def _order(self) -> str:
        return "pk" if self.is_upward else "-pk"

    def _judged(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        meets = ExpressionWrapper(self.condition, BooleanField()) if self.condition else Value(True)
        judged: QuerySet[Any] = rows.annotate(factos_meets=meets).values_list("pk", "factos_meets")
        return judged

    def _cut(self, met: list[int], looked_to: int | None = None) -> Found:
        page, is_cut = met[: self.limit], len(met) > self.limit
        rows = self.rows.filter(pk__in=page).order_by(self._order()) if page else []
        return Found(list(rows), is_cut, None if is_cut else looked_to)

"""The line that an effect with an ordering key stands in: whom it waits for, and who waits behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import BooleanField, ExpressionWrapper, Q, QuerySet

from factos_django.admin.effects.shown import UNFINISHED
from factos_django.models import Effect

__all__ = ["SHOWN", "Line", "dead_behind", "held_by", "waits_for"]

#: So many of a line are shown (effects).
SHOWN = 10

#: So many of a line are looked at for the dead (rows of each half of the index).
_LOOKED_AT = 500


@dataclass(frozen=True, slots=True)
class Line:
    """Some effects of one ordering key, in its order.

    Attributes:
        effects: The first of them.
        is_more: Whether there are more, or may be.
    """

    effects: Sequence[Effect] = ()
    is_more: bool = False


def waits_for(row: Effect, rows: QuerySet[Effect]) -> Line:
    """Return those of ``rows`` that are to be delivered before ``row``."""
    if row.ordering_key is None or row.state not in UNFINISHED:
        return Line()
    before = Q(position__lt=row.position) | Q(position=row.position, pk__lt=row.pk)
    return _line(rows.filter(_held(True), before, ordering_key=row.ordering_key))


def held_by(row: Effect, rows: QuerySet[Effect]) -> Line:
    """Return those of ``rows`` that wait until ``row`` is delivered, or given up."""
    if row.ordering_key is None or not row.holds:
        return Line()
    return _line(_from(row, rows).filter(_held(True)).exclude(position=row.position, pk__lte=row.pk))


def dead_behind(row: Effect, rows: QuerySet[Effect]) -> Line:
    """Return the dead ones of ``rows`` that come after ``row``: those that a retry can take with it."""
    if row.ordering_key is None:
        return Line()
    halves = [_looked_at(row, rows.filter(_held(holds))) for holds in (False, True)]
    first = sorted((position, id) for half in halves for position, id, is_dead in half if is_dead)
    line = _line(rows.filter(pk__in=[id for _, id in first[: SHOWN + 1]])) if first else Line()
    return Line(line.effects, line.is_more or any(len(half) == _LOOKED_AT for half in halves))


def _held(holds: bool) -> Q:
    """Return it so that SQLite finds it in an index: for ``holds=True`` Django writes no ``=``."""
    return Q(holds__in=[holds])


def _looked_at(row: Effect, rows: QuerySet[Any]) -> list[tuple[int, int, bool]]:
    # What is looked for stands in no WHERE: the index is to be read in its order, and no other one.
    later = Q(position__gt=row.position) | Q(position=row.position, pk__gt=row.pk)
    is_dead = ExpressionWrapper(later & Q(state=Effect.State.DEAD), BooleanField())
    found = _from(row, rows).annotate(factos_dead=is_dead).order_by("position", "pk")
    return list(found.values_list("position", "pk", "factos_dead")[:_LOOKED_AT])


def _from(row: Effect, rows: QuerySet[Any]) -> QuerySet[Any]:
    return rows.filter(ordering_key=row.ordering_key, position__gte=row.position)


def _line(rows: QuerySet[Effect]) -> Line:
    some = list(rows.defer("data", "traceback").order_by("position", "pk")[: SHOWN + 1])
    return Line(some[:SHOWN], len(some) > SHOWN)

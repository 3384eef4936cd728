"""Where among effects a period is: ids below or above which none was asked for in it.

No index holds when an effect was asked for. Ids are nearly in the order of these moments, for each is drawn
in the statement that takes the time. So the ends of a period are looked for by halves, with room on both
sides, and who reads what is between them compares the moments themselves.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet

__all__ = ["created_span"]

#: By how much moments may be out of the order of ids: a server's clock was put back, or a statement waited.
_ROOM = timedelta(minutes=5)
#: So few ids are not worth another question.
_NEAR = 64


def created_span(
    rows: QuerySet[Any], after: datetime | None, before: datetime | None, first: int, last: int
) -> tuple[int, int]:
    """Return ids between which (the second included) lies everything of ``rows`` of that period.

    ``first`` and ``last`` are the lowest and the highest id that there are.
    """
    low, high = first - 1, last
    if after is not None:
        low = _last_before(rows, after - _ROOM, low, high)
    if before is not None:
        high = _first_after(rows, before + _ROOM, low, high)
    return low, high


def _last_before(rows: QuerySet[Any], moment: datetime, low: int, high: int) -> int:
    while high - low > _NEAR:
        middle = (low + high) // 2
        found = _nearest(rows.filter(pk__gt=low, pk__lte=middle).order_by("-pk"))
        if found is None or found[1] < moment:
            low = middle
        else:
            high = found[0]
    return low


def _first_after(rows: QuerySet[Any], moment: datetime, low: int, high: int) -> int:
    while high - low > _NEAR:
        middle = (low + high) // 2
        found = _nearest(rows.filter(pk__gt=middle, pk__lte=high).order_by("pk"))
        if found is None or found[1] > moment:
            high = middle
        else:
            low = found[0]
    return high


def _nearest(rows: QuerySet[Any]) -> tuple[int, datetime] | None:
    return rows.values_list("pk", "created_at").first()

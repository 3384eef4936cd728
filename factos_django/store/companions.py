"""Which facts were decided and appended together: no column says it, what they have in common does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connections

from factos_django.core.position import LAST_POSITION, checked_position
from factos_django.store.database import database_for_writing
from factos_django.store.rows import EventRow, select_by_positions

__all__ = ["Companions", "companions_of"]

#: It is looked so far below and above a fact (positions).
_FAR = 100

# The same moment, to the microsecond, and the same decision: of two appends that were decided at one position
# the guard lets one fail, unless neither could see the other.
_TOGETHER = """
SELECT other.position FROM factos_event e JOIN factos_event other
ON other.position >= %s AND other.position <= %s AND other.recorded_at = e.recorded_at
AND other.decision = e.decision WHERE e.position = %s ORDER BY other.position
"""


@dataclass(frozen=True, slots=True)
class Companions:
    """The facts of one append, as far as they can be told from others.

    Attributes:
        rows: In the order of positions.
        are_all: Whether there are no more.
    """

    rows: Sequence[EventRow]
    are_all: bool = True


def companions_of(position: int, *, using: str | None = None) -> Companions:
    """Return the facts that one decision appended, that at ``position`` among them.

    After a plain append it is not known: it returns none, and that they are not all. It reads 200 rows at
    most, and so does not find those of a large append that are further off.
    """
    alias, known = database_for_writing(using), checked_position(position)
    first, last = max(0, known - _FAR), min(LAST_POSITION, known + _FAR)
    with connections[alias].cursor() as cursor:
        cursor.execute(_TOGETHER, [first, last, known])
        found = [row[0] for row in cursor.fetchall()]
    rows = tuple(map(EventRow._make, select_by_positions(found, alias)))
    # What goes on to about where it was looked may go on beyond.
    are_all = bool(found) and known - _FAR // 2 < found[0] and found[-1] < known + _FAR // 2
    return Companions(rows, are_all)

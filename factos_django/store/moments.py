"""Where in the log a moment is: positions below or above which nothing was recorded at it.

There is no index on the time of recording: it would cost each append, and times are nearly in the order of
positions. Nearly: a time is taken before an append waits for its locks and draws its positions, and the
clocks of servers differ. So the ends of a period are looked for by halves, with room on both sides, and who
reads what is between them compares the times themselves.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import connections

from factos_django.conf import conf
from factos_django.store.rows import as_stored_time

__all__ = ["first_after", "last_before"]

#: What clocks may differ by, in seconds. Facts of clocks that are further apart may be missed by the period
#: that they say they were recorded in.
CLOCKS_DIFFER = 60.0
#: The locks that one append waits for in turn: guards, shared tags, rows of inline projections, and again.
_WAITS = 4
#: So few positions are not worth another question.
_NEAR = 64

_BELOW = (
    "SELECT position, recorded_at < %s FROM factos_event WHERE position > %s AND position <= %s "
    "ORDER BY position DESC LIMIT 1"
)
_ABOVE = (
    "SELECT position, recorded_at > %s FROM factos_event WHERE position > %s AND position <= %s "
    "ORDER BY position LIMIT 1"
)


def last_before(moment: datetime, after: int, upto: int, using: str) -> int:
    """Return a position in [after, upto] such that nothing up to it was recorded at ``moment`` or later."""
    early = _stored(moment - _room(), using)
    while upto - after > _NEAR:
        middle = (after + upto) // 2
        found = _ask(_BELOW, early, after, middle, using)
        if found is None or found[1]:
            after = middle
        else:
            upto = found[0]
    return after


def first_after(moment: datetime, after: int, upto: int, using: str) -> int:
    """Return a position in [after, upto] such that nothing above it was recorded at ``moment`` or before."""
    late = _stored(moment + _room(), using)
    while upto - after > _NEAR:
        middle = (after + upto) // 2
        found = _ask(_ABOVE, late, middle, upto, using)
        if found is None or found[1]:
            upto = middle
        else:
            after = found[0]
    return upto


def _room() -> timedelta:
    """Return by how much times may be out of the order of positions."""
    return timedelta(seconds=CLOCKS_DIFFER + _WAITS * conf.LOCK_TIMEOUT_SECONDS)


def _stored(moment: datetime, using: str) -> Any:
    return as_stored_time(moment, connections[using])


def _ask(sql: str, moment: Any, after: int, upto: int, using: str) -> tuple[int, bool] | None:
    with connections[using].cursor() as cursor:
        cursor.execute(sql, [moment, after, upto])
        row: tuple[int, bool] | None = cursor.fetchone()
    return row

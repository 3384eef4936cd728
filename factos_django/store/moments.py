"""Where in the log a moment is: positions below or above which nothing was recorded at it.

There is no index on the time of recording: it would cost each append, and times are nearly in the order of
positions. Nearly: a time is taken before an append waits for its locks and draws its positions, and the
clocks of servers differ. So the ends of a period are looked for in sixteenths of what is left, with room on
both sides, and who reads what is between them compares the times themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
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

#: Into so many parts what is left is cut by one question: a period is found by four of them, not fourteen.
_PARTS = 16

# One lookup each, by a constant: MariaDB would read the index from its end for what a row says.
_BELOW = (
    "SELECT * FROM (SELECT %s AS place, position, recorded_at < %s AS is_off FROM factos_event "
    "WHERE position <= %s ORDER BY position DESC LIMIT 1) AS p{number}"
)
_ABOVE = (
    "SELECT * FROM (SELECT %s AS place, position, recorded_at > %s AS is_off FROM factos_event "
    "WHERE position > %s ORDER BY position LIMIT 1) AS p{number}"
)


def last_before(moment: datetime, after: int, upto: int, using: str) -> int:
    """Return a position in [after, upto] such that nothing up to it was recorded at ``moment`` or later."""
    early = _stored(moment - _room(), using)
    while upto - after > _NEAR:
        for place, position, is_off in _ask(_BELOW, early, _places(after, upto), using):
            if position is not None and position > after and not is_off:
                upto = position
                break
            after = place
    return after


def first_after(moment: datetime, after: int, upto: int, using: str) -> int:
    """Return a position in [after, upto] such that nothing above it was recorded at ``moment`` or before."""
    late = _stored(moment + _room(), using)
    while upto - after > _NEAR:
        for place, position, is_off in reversed(_ask(_ABOVE, late, _places(after, upto), using)):
            if position is not None and position <= upto and not is_off:
                after = position
                break
            upto = place
    return upto


def _places(after: int, upto: int) -> list[int]:
    """Return where to look: positions between these two, ascending."""
    return [after + (upto - after) * part // _PARTS for part in range(1, _PARTS)]


def _room() -> timedelta:
    """Return by how much times may be out of the order of positions."""
    return timedelta(seconds=CLOCKS_DIFFER + _WAITS * conf.LOCK_TIMEOUT_SECONDS)


def _stored(moment: datetime, using: str) -> Any:
    return as_stored_time(moment, connections[using])


def _ask(
    sql: str, moment: Any, places: Sequence[int], using: str
) -> list[tuple[int, int | None, bool | None]]:
    """Return each of ``places``, what is next to it, and whether that lies off the period; ascending."""
    selects = " UNION ALL ".join(sql.format(number=number) for number in range(len(places)))
    with connections[using].cursor() as cursor:
        cursor.execute(selects, [each for place in places for each in (place, moment, place)])
        found = {place: (position, is_off) for place, position, is_off in cursor.fetchall()}
    return [(place, *found.get(place, (None, None))) for place in places]

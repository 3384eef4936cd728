"""How many facts were recorded in each of the last minutes.

There is no index on the time of recording (see ``store.moments``). Of a quiet log the newest facts are read,
and counted by their times. Of a busy one it is looked up between which positions each minute lies, all
minutes at once, a few dozen rows a question: what is counted then are positions.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from django.db import connections

from factos_django.store.database import database_for_writing
from factos_django.store.heads import highest_position
from factos_django.store.moments import CLOCKS_DIFFER
from factos_django.store.rows import stored_moment
from factos_django.workers.leases import database_now

__all__ = ["Minute", "Rate", "recent_rate"]

_MINUTE = timedelta(minutes=1)
#: So many of the newest facts are read, to count them by their times (rows).
_READ = 1000
#: So many rows are looked up by one question, more where there are more minutes (rows).
_LOOK_UPS = 64

_NEWEST = "SELECT recorded_at FROM factos_event ORDER BY position DESC LIMIT %s"
# One lookup each, by a constant: MariaDB would read the index from its end for what a row says, and a join
# would be planned by what the planner knows of the table, which may be nothing.
_LOOKED_UP = (
    "SELECT * FROM (SELECT %s AS upto, position, recorded_at FROM factos_event "
    "WHERE position <= %s ORDER BY position DESC LIMIT 1) AS p{number}"
)

#: Positions up to which everything is earlier than a moment, and above which everything is later.
_Ends: TypeAlias = tuple[int, int]
#: A place, and the position and the time of the last fact up to it, if there is one.
_Found: TypeAlias = tuple[int, int | None, datetime | None]


@dataclass(frozen=True, slots=True)
class Minute:
    """One minute by the clock.

    Attributes:
        begins: When it began, in UTC.
        facts: How many facts were recorded in it, or about how many.
    """

    begins: datetime
    facts: int


@dataclass(frozen=True, slots=True)
class Rate:
    """The last minutes, the oldest first.

    Attributes:
        minutes: The last of them has not ended.
        is_about: Positions were counted, and not facts: those that were drawn by appends that rolled back are
            among them, and a fact near the end of a minute may stand in the next one.
    """

    minutes: tuple[Minute, ...]
    is_about: bool


def recent_rate(using: str | None = None, *, minutes: int = 30) -> Rate:
    """Return how many facts were recorded in each of the last ``minutes``, those above the head included.

    The minutes are those of the database's clock, and the last one is going on. Facts have the times of the
    clocks that they were recorded by: one that is fast has its facts of now in the last minute.
    Where few facts were recorded, each is counted in the minute that it says, unless its clock was wrong by
    more than a minute. Where many were, see ``is_about``. It reads a thousand rows, and then some dozens for
    each halving of the log, whatever its length.
    """
    alias = database_for_writing(using)
    last = database_now(alias).replace(second=0, microsecond=0)
    begins = [last - _MINUTE * number for number in reversed(range(minutes))]
    counted = _counted(begins, alias)
    facts = _by_position(begins, alias) if counted is None else counted
    return Rate(tuple(map(Minute, begins, facts)), counted is None)


def _counted(begins: Sequence[datetime], using: str) -> list[int] | None:
    """Return how many facts say that they were recorded in each minute; None if there may be too many."""
    with connections[using].cursor() as cursor:
        cursor.execute(_NEWEST, [_READ])
        times = [stored_moment(given, using) for (given,) in cursor.fetchall()]
    if len(times) == _READ and times[-1] >= begins[0] - timedelta(seconds=CLOCKS_DIFFER):
        return None
    numbers = [bisect_right(begins, each) - 1 for each in times]
    return [numbers.count(number) for number in range(len(begins))]


def _by_position(begins: Sequence[datetime], using: str) -> list[int]:
    """Return how many positions there are in each minute."""
    top = highest_position(using)
    ends: list[_Ends] = [(0, top)] * len(begins)
    while any(low < high for low, high in ends):
        found = list(_looked_up(_places(ends), using))
        ends = [_narrowed(each, moment, found) for each, moment in zip(ends, begins, strict=True)]
    starts = [low for low, _ in ends]
    return [max(0, after - start) for start, after in zip(starts, [*starts[1:], top], strict=True)]


def _places(ends: Iterable[_Ends]) -> list[int]:
    """Return positions to look at, some between each pair of ``ends``, ascending."""
    pairs = {(low, high) for low, high in ends if low < high}
    each = max(1, _LOOK_UPS // len(pairs))
    return sorted(
        {high - (high - low) * part // (each + 1) for low, high in pairs for part in range(1, each + 1)}
    )


def _narrowed(ends: _Ends, moment: datetime, found: Iterable[_Found]) -> _Ends:
    """Return ``ends`` closer together, by what was found between them."""
    low, high = ends
    for upto, position, recorded_at in found:
        if not low < upto <= high:
            continue
        if position is not None and recorded_at is not None and position > low and recorded_at >= moment:
            return low, position - 1
        low = upto
    return low, high


def _looked_up(places: Sequence[int], using: str) -> Iterator[_Found]:
    """Yield what is found for each of ``places``, ascending."""
    selects = " UNION ALL ".join(_LOOKED_UP.format(number=number) for number in range(len(places)))
    with connections[using].cursor() as cursor:
        cursor.execute(selects, [each for place in places for each in (place, place)])
        found = {upto: (position, given) for upto, position, given in cursor.fetchall()}
    for place in places:
        position, given = found.get(place, (None, None))
        yield place, position, None if given is None else stored_moment(given, using)

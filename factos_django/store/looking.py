"""Reading a page so that a bounded number of rows is looked at, however few of them match.

Each item starts from the index whose entries reach the furthest: few facts have its rarest tag, and so few
entries of it cover much of the log. Where even they end before the page is full, so does the page.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from django.db import connections

from factos_django.core.query import Query
from factos_django.store.filters import Filters
from factos_django.store.matching import Fragment, Slice
from factos_django.store.starts import entries, order_of
from factos_django.store.transactions import explaining
from factos_django.store.ways import Branch, Way, ways_of_items, ways_of_metadata

__all__ = ["Sight", "sight"]

#: What a statement may read (rows of indexes), for each row that a page may look at: an entry, and what is
#: looked up for it.
_READ_FOR_ONE = 2
#: The facts that may be committed, above the head, after it was measured how far entries go (rows).
_MEANWHILE = 50
#: SQLite takes at most 500 terms of a compound SELECT, and PostgreSQL plans each.
_MOST_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Sight:
    """What a bounded look at a slice of the log finds.

    Attributes:
        positions: A SELECT of the column ``position``, each position once, unordered.
        looked_to: It is not looked beyond this position; None where all is looked at.
    """

    positions: Fragment
    looked_to: int | None


@dataclass(frozen=True, slots=True, order=True)
class _Reach:
    """How far the entries of a start go; the further it is, the greater.

    Attributes:
        to: The position that they end at, or the far end; its negative where they are read backwards.
        spared: The negative of how many entries there are.
    """

    to: int
    spared: int


@dataclass(frozen=True, slots=True)
class _Bounds:
    """What may be looked at.

    Attributes:
        each: Entries of one start (rows).
        at_once: Starts that one statement measures.
    """

    each: int
    at_once: int


def sight(query: Query, part: Slice, filters: Filters, most: int, using: str) -> Sight:
    """Return how to find ``part``, which has an end and a limit, of what matches ``query`` and ``filters``.

    Args:
        query: Which facts.
        part: Which of them; nothing outside of the period of ``filters``.
        filters: What they must meet, too.
        most: The entries to look at, of one index or of all together (rows).
        using: The alias of the database.
    """
    groups = [*ways_of_items(query, filters, using), ways_of_metadata(query, filters, using)]
    if (branches := _only_branches(groups)) and _finds_enough(branches, part, most):
        return Sight(_positions(branches, part, _limit(part), using), None)
    bounds = _bounds(groups, most)
    branches, to = _furthest(groups, part, bounds, using)
    looked_to = None if to >= _far_end(part) else abs(to)
    most = bounds.each + _MEANWHILE // len(branches)
    return Sight(_positions(branches, _ended(part, looked_to), most, using), looked_to)


def _limit(part: Slice) -> int:
    assert part.limit is not None
    return part.limit


def _far_end(part: Slice) -> int:
    assert part.upto is not None
    return -(part.after + 1) if part.backwards else part.upto


def _ended(part: Slice, looked_to: int | None) -> Slice:
    """Return ``part`` up to ``looked_to``, and no further."""
    part = replace(part, is_closed=True)
    if looked_to is None:
        return part
    return replace(part, after=looked_to - 1) if part.backwards else replace(part, upto=looked_to)


def _only_branches(groups: list[list[Way]]) -> list[Branch]:
    """Return the branches of the only way that there is; none if there is a choice."""
    *items, whole = groups
    if whole or any(len(ways) > 1 for ways in items):
        return []
    return [branch for (way,) in items for branch in way.branches]


def _finds_enough(branches: Sequence[Branch], part: Slice, most: int) -> bool:
    """Tell whether nothing is looked at in vain: all entries match, and those of a page are few enough."""
    is_plain = not any(branch.conditions for branch in branches)
    return is_plain and (len(branches) == 1 or len(branches) * _limit(part) <= _READ_FOR_ONE * most)


def _bounds(groups: list[list[Way]], most: int) -> _Bounds:
    """Return what may be looked at, so that no statement reads too much."""
    *items, whole = groups
    starts = sum(len(way.branches) for ways in groups for way in ways)
    heaviest = max([sum(ways[0].weight for ways in items), *(way.weight for way in whole)])
    each = max(1, min(most, _READ_FOR_ONE * most // max(starts, heaviest)))
    return _Bounds(each, max(1, min(_MOST_AT_ONCE, _READ_FOR_ONE * most // each)))


def _furthest(groups: list[list[Way]], part: Slice, bounds: _Bounds, using: str) -> tuple[list[Branch], int]:
    """Return the branches that reach the furthest, and how far the nearest of them does."""
    *items, whole = _measured(groups, part, bounds, using)
    best = [max(ways, key=_reach_of) for ways in items]
    choices = [(_together(map(_reach_of, best)), [way for _, way in best])]
    choices += [(reach, [way]) for reach, way in whole]
    reach, ways = max(choices, key=_reach_of)
    return [branch for way in ways for branch in way.branches], reach.to


def _reach_of(measured: tuple[_Reach, Any]) -> _Reach:
    return measured[0]


def _together(reaches: Iterable[_Reach]) -> _Reach:
    """Return how far all of them go."""
    known = list(reaches)
    return _Reach(min(each.to for each in known), sum(each.spared for each in known))


def _measured(
    groups: list[list[Way]], part: Slice, bounds: _Bounds, using: str
) -> list[list[tuple[_Reach, Way]]]:
    reaches = _reaches(
        [each for ways in groups for way in ways for each in way.branches], part, bounds, using
    )
    return [[(_together(islice(reaches, len(way.branches))), way) for way in ways] for ways in groups]


def _reaches(branches: Sequence[Branch], part: Slice, bounds: _Bounds, using: str) -> Iterator[_Reach]:
    """Yield how far the entries of each branch go, as far as they are looked at."""
    for start in range(0, len(branches), bounds.at_once):
        some = branches[start : start + bounds.at_once]
        asked = [bounds.each if each.conditions else min(bounds.each, _limit(part)) for each in some]
        for (_, count, end), most in zip(_ends(some, asked, part, using), asked, strict=True):
            yield _reach(count, end if count == most else None, part)


def _ends(
    branches: Sequence[Branch], asked: Sequence[int], part: Slice, using: str
) -> list[tuple[int, int, int | None]]:
    """Return the numbers of the branches, how many entries were found, and the last of them."""
    last = "min" if part.backwards else "max"
    selects, parameters = [], []
    for n, (branch, most) in enumerate(zip(branches, asked, strict=True)):
        sql, given = entries(branch.start, part, most, connections[using].vendor)
        selects.append(f"SELECT {n} AS n, count(*), {last}(position) FROM ({sql}) AS s{n}")
        parameters += given
    with explaining(using), connections[using].cursor() as cursor:
        cursor.execute(" UNION ALL ".join(selects), parameters)
        return sorted(cursor.fetchall())


def _reach(count: int, end: int | None, part: Slice) -> _Reach:
    far = _far_end(part)
    if end is None:
        return _Reach(far, -count)
    return _Reach(min(far, -end if part.backwards else end), -count)


def _positions(branches: Sequence[Branch], part: Slice, most: int, using: str) -> Fragment:
    vendor = connections[using].vendor
    found = [_matching(branch, part, most, vendor) for branch in branches]
    sql = " UNION ".join(f"SELECT position FROM ({sql}) AS b{n}" for n, (sql, _) in enumerate(found))
    return sql, [parameter for _, parameters in found for parameter in parameters]


def _matching(branch: Branch, part: Slice, most: int, vendor: str) -> Fragment:
    sql, parameters = entries(branch.start, part, most, vendor)
    conditions = [*branch.conditions, ("c.position > %s AND c.position <= %s", [part.after, part.upto])]
    where = " AND ".join(condition for condition, _ in conditions)
    given = [each for _, values in conditions for each in values]
    order = order_of(branch.start, part)
    return (
        f"SELECT c.position FROM ({sql}) AS c WHERE {where} ORDER BY {order} LIMIT %s",
        [*parameters, *given, part.limit],
    )

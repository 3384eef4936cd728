"""What a query cannot say of a fact: what its metadata hold, and when it was recorded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.db import connections

from factos_django.core.query import Query, QueryItem
from factos_django.sql.metadata_index import has_metadata, order_of_index
from factos_django.store.matching import Fragment, Slice, matching_events, matching_positions
from factos_django.store.moments import first_after, last_before
from factos_django.store.narrowing import BROAD
from factos_django.store.rows import as_stored_time

__all__ = ["Filters", "filter_conditions", "filtered", "within_period"]


@dataclass(frozen=True, slots=True)
class Filters:
    """What each fact must meet beside the query.

    The times are exact for all facts that were recorded by clocks that differ by a minute or less. (A fact of
    a clock that is further off may be missed: its time is not where its position is.)

    Attributes:
        metadata: Values by keys, each of INDEXED_KEYS. Only strings are found.
        recorded_after: Recorded later than this moment, an aware one.
        recorded_before: Recorded earlier than this moment, an aware one.
    """

    metadata: Mapping[str, str] = field(default_factory=dict)
    recorded_after: datetime | None = None
    recorded_before: datetime | None = None


def filtered(part: Slice, filters: Filters, query: Query, using: str) -> Slice:
    """Return ``part`` of ``query``, which has an end, as the part that meets ``filters`` besides."""
    by_rows = bool(filters.metadata) and _is_rarer(filters, query, part.as_ranges, using)
    only = (*_metadata(filters, by_rows, using), *_times(filters, using))
    if not only:
        return part
    part = within_period(replace(part, only=only, is_closed=True), filters, using)
    return replace(part, by_rows=True, row_order=_row_order(filters, using)) if by_rows else part


def filter_conditions(filters: Filters, using: str) -> list[Fragment]:
    """Return what a row ``e`` of the event table must meet, as conditions that no index answers."""
    return [*_metadata(filters, False, using), *_times(filters, using)]


def within_period(part: Slice, filters: Filters, using: str) -> Slice:
    """Return ``part``, which has a far end, without what lies outside of the times of ``filters``."""
    after, upto = part.after, part.upto or 0
    if filters.recorded_after is not None:
        after = last_before(filters.recorded_after, after, upto, using)
    if filters.recorded_before is not None:
        upto = first_after(filters.recorded_before, after, upto, using)
    return replace(part, after=after, upto=upto)


def _metadata(filters: Filters, by_index: bool, using: str) -> Iterator[Fragment]:
    for key, value in filters.metadata.items():
        yield has_metadata(connections[using].vendor, key, value, by_index=by_index)


def _times(filters: Filters, using: str) -> Iterator[Fragment]:
    for sign, moment in ((">", filters.recorded_after), ("<", filters.recorded_before)):
        if moment is not None:
            yield f"e.recorded_at {sign} %s", [as_stored_time(moment, connections[using])]


def _row_order(filters: Filters, using: str) -> str:
    return order_of_index(connections[using].vendor, next(iter(filters.metadata)))


def _is_rarer(filters: Filters, query: Query, as_ranges: bool, using: str) -> bool:
    """Tell whether fewer facts have the metadata than match the query, as far as anybody counts."""
    if query.everything:
        return True
    part = Slice(limit=BROAD, only=tuple(_metadata(filters, True, using)), by_rows=True)
    rows = matching_events(Query.all(), replace(part, row_order=_row_order(filters, using)))
    if _count(f"SELECT 1 FROM {rows[0]}", rows[1], using) < BROAD:
        return True
    starts = Query.of(*(QueryItem(item.types, item.tags[:1]) for item in query.items))
    positions = matching_positions(starts, Slice(limit=BROAD, by_type=True, as_ranges=as_ranges))
    return _count(*positions, using) >= BROAD


def _count(sql: str, parameters: Sequence[Any], using: str) -> int:
    with connections[using].cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM ({sql}) AS counted", parameters)
        (found,) = cursor.fetchone()
    return int(found)

"""What a page of the admin reads of the log is bounded, whatever is asked for and however little matches."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
from django.db import connections

from factos_django import Query, QueryItem
from factos_django.store.counting import count_matching
from factos_django.store.names import count_of_type, tags_from, types_from
from factos_django.store.related import related_tags
from factos_django.store.stored import Filters, stored_page
from tests.broad_log import COUNTED, EVENTS, NOTED, fill
from tests.rows_read import most_read_at_once
from tests.stores import Store, on_databases

pytestmark = [on_databases(), pytest.mark.usefixtures("on_store")]

#: What one statement may read (rows of indexes). SQLite tells steps, of which a row takes more or fewer, and
#: MariaDB counts those again that it keeps for the moment.
MOST_READ = {"postgresql": 1000, "sqlite": 1500, "mysql": 2500}
#: The statements of one page: those of a period look for its ends by halves.
MOST_STATEMENTS = 40

PAST, FUTURE = datetime(2001, 1, 1, tzinfo=UTC), datetime(2101, 1, 1, tzinfo=UTC)


def item(*tags: str, types: tuple[str, ...] = ()) -> Query:
    return Query.of(QueryItem(types, tags))


def correlated(value: str, **others: Any) -> Filters:
    return Filters({"correlation_id": value}, **others)


CASES: dict[str, tuple[Query, Filters]] = {
    "everything": (Query.all(), Filters()),
    "a tag of half of the facts": (item("tenant"), Filters()),
    "a rare tag": (item("order:7"), Filters()),
    "a tag of nothing": (item("nobody"), Filters()),
    "a broad and a rare tag": (item("tenant", "order:6"), Filters()),
    "a broad and a rare tag that never meet": (item("order:7", "tenant"), Filters()),
    "two broad tags that never meet": (item("tenant", "odd"), Filters()),
    "tags that never meet, six of them": (item("tenant", "odd", "order:1", "order:2", "a", "b"), Filters()),
    "a broad tag and a rare type": (item("tenant", types=(COUNTED, "never")), Filters()),
    "two broad tags and all types": (item("tenant", "odd", types=(COUNTED, NOTED)), Filters()),
    "a broad type": (item(types=(NOTED,)), Filters()),
    "rare types": (item(types=(COUNTED, "never")), Filters()),
    "very many types": (item(types=tuple(f"t{n}" for n in range(150))), Filters()),
    "a tag and very many types": (item("tenant", types=tuple(f"t{n}" for n in range(150))), Filters()),
    "many items": (Query.of(*(QueryItem(tags=[f"order:{n}"]) for n in range(30))), Filters()),
    "items of all kinds": (
        Query.of(
            QueryItem([COUNTED, NOTED], ["tenant", "odd"]), QueryItem([COUNTED]), QueryItem([], ["odd"])
        ),
        Filters(),
    ),
    "a broad correlation": (Query.all(), correlated("all")),
    "a rare correlation": (Query.all(), correlated("c6")),
    "a correlation of nothing": (Query.all(), correlated("none")),
    "a broad correlation and a broad tag that never meet": (item("tenant"), correlated("all")),
    "a broad correlation and broad tags that never meet": (item("tenant", "odd"), correlated("all")),
    "a rare correlation and a broad tag": (item("tenant"), correlated("c6")),
    "a broad correlation and a rare tag that never meet": (item("order:6"), correlated("all")),
    "a broad correlation and a rare type": (item(types=(COUNTED,)), correlated("all")),
    "a rare correlation and all types": (item(types=(COUNTED, NOTED)), correlated("c6")),
    "a broad correlation and a rare cause": (
        Query.all(),
        Filters({"correlation_id": "all", "causation_id": "9"}),
    ),
    "a time before everything": (Query.all(), Filters(recorded_before=PAST)),
    "a time after everything, and a tag": (item("tenant"), Filters(recorded_after=FUTURE)),
    "any time, and two tags": (item("tenant", "odd"), Filters({}, PAST, FUTURE)),
    "any time, a correlation and a type": (
        item(types=(NOTED,)),
        correlated("all", recorded_after=PAST, recorded_before=FUTURE),
    ),
}


def test_no_statement_of_a_page_reads_more_than_a_thousand_rows(store: Store) -> None:
    last = fill(store)
    places: dict[str, dict[str, Any]] = {
        "the newest": {"backwards": True},
        "older": {"before": last - EVENTS // 2, "backwards": True},
        "the oldest": {"after": 0},
        "newer": {"after": last - EVENTS // 2},
        "near the newest": {"after": last - 60},
    }
    read, asked = {}, {}
    for name, (query, filters) in CASES.items():
        for place, where in places.items():
            page = partial(_page, query, filters, where, store.using)
            read[name, place] = most_read_at_once(store.using, page)
            asked[name, place] = _statements(store.using, page)
    most = MOST_READ[connections[store.using].vendor]
    assert {what: rows for what, rows in read.items() if rows > most} == {}
    assert {what: count for what, count in asked.items() if count > MOST_STATEMENTS} == {}
    assert min(read.values()) > 0


def test_what_is_told_of_tags_and_types_reads_no_more_than_a_thousand_rows(store: Store) -> None:
    fill(store)
    using = store.using
    asked: dict[str, Callable[[], Any]] = {
        "related tags": partial(related_tags, "tenant", using=using),
        "tags of a prefix": partial(tags_from, "order:1", limit=20, using=using),
        "tags behind a broad one": partial(tags_from, "", after="odd", limit=20, using=using),
        "types": partial(types_from, limit=20, using=using),
        "facts of a type": partial(count_of_type, NOTED, 500, using=using),
    }
    asked |= {
        f"the count of {name}": partial(count_matching, query, 400, using=using)
        for name, (query, filters) in CASES.items()
        if filters == Filters()
    }
    read = {what: most_read_at_once(using, work) for what, work in asked.items()}
    most = MOST_READ[connections[store.using].vendor]
    assert {what: rows for what, rows in read.items() if rows > most} == {}


def _page(query: Query, filters: Filters, where: dict[str, Any], using: str) -> None:
    stored_page(query, limit=50, filters=filters, beyond_head=True, most_looked_at=400, using=using, **where)


def _statements(using: str, work: Callable[[], Any]) -> int:
    count = 0

    def heard(execute: Any, *given: Any) -> Any:
        nonlocal count
        count += 1
        return execute(*given)

    with connections[using].execute_wrapper(heard):
        work()
    return count

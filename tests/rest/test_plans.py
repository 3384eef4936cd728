"""What the API reads of the log is a page's worth, however long the log is and however broad a tag."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import transaction

from tests.broad_log import COUNTED, EVENTS, NOTED, fill
from tests.rest.clients import ApiClient
from tests.rest.stored import MOMENT, store_row
from tests.rows_read import rows_read
from tests.stores import Store, on_databases

pytestmark = [on_databases(also=["default"]), pytest.mark.usefixtures("on_store")]

#: What one request may read of the log (rows): pages of ten, with counts of fifty, a few questions each.
HANDFUL = 800
LISTS: dict[str, dict[str, Any]] = {
    "everything": {},
    "a tag of half of the facts": {"tag": "tenant"},
    "a rare tag": {"tag": "order:7"},
    "a tag of nothing": {"tag": "nobody"},
    "a broad and a rare tag": {"tag": ["tenant", "order:6"]},
    "a broad and a rare tag that never meet": {"tag": ["tenant", "order:7"]},
    "a broad tag and a tag of nothing": {"tag": ["tenant", "nobody"]},
    "a broad tag and a rare type": {"tag": "tenant", "type": [COUNTED, "never"]},
    "a broad tag and types of nothing": {"tag": "tenant", "type": ["never", "ever"]},
    "rare types": {"type": [COUNTED, "never"]},
    "types of nothing": {"type": ["never", "ever"]},
    "all types": {"type": [NOTED, COUNTED]},
    "a rare correlation": {"correlation_id": "c7"},
    "a broad correlation": {"correlation_id": "all"},
    "a correlation of nothing": {"correlation_id": "none"},
    "a rare correlation and a broad tag": {"correlation_id": "c6", "tag": "tenant"},
    "a rare correlation and a broad tag that never meet": {"correlation_id": "c7", "tag": "tenant"},
    "a broad correlation and a rare tag that never meet": {"correlation_id": "all", "tag": "order:6"},
    "a broad correlation and a rare type": {"correlation_id": "all", "type": [COUNTED, "never"]},
    "a rare correlation and all types": {"correlation_id": "c7", "type": [NOTED, COUNTED]},
}
QUERIES: dict[str, dict[str, Any]] = {
    "everything": {"all": True},
    "a broad tag, or a rare one": {"items": [{"tags": ["tenant"]}, {"tags": ["order:7"]}]},
    "a broad and a rare tag": {"items": [{"tags": ["tenant", "order:7"]}]},
    "rare types": {"items": [{"types": [COUNTED, "never"]}]},
    "a rare tag, or types of nothing": {"items": [{"types": ["never", "ever"]}, {"tags": ["order:7"]}]},
}


@pytest.fixture
def few_are_broad(monkeypatch: pytest.MonkeyPatch) -> None:
    """So many facts of a tag count as broad as a log of this length needs."""
    for module in ("narrowing", "filters"):
        monkeypatch.setattr(f"factos_django.store.{module}.BROAD", 50)


@pytest.mark.usefixtures("few_are_broad")
def test_each_page_of_a_list_reads_a_handful_of_rows(api: ApiClient, store: Store) -> None:
    fill(store)
    ends: dict[str, dict[str, Any]] = {
        "the first page": {},
        "in the middle": {"after": EVENTS // 2},
        "the last page": {"order": "newest"},
    }
    read = {}
    for name, filters in LISTS.items():
        for end, where in ends.items():
            asked: dict[str, Any] = {"limit": 10, **filters, **where}
            read[name, end] = rows_read(store.using, partial(fetched, api, asked))
    assert {what: rows for what, rows in read.items() if rows > HANDFUL} == {}
    assert min(read.values()) > 0


@pytest.mark.usefixtures("few_are_broad")
def test_queries_and_contexts_read_a_handful_of_rows(api: ApiClient, store: Store, settings: Any) -> None:
    settings.FACTOS_API_MAX_LIMIT = 10
    last = fill(store)
    read: dict[tuple[str, Any], int] = {}
    for name, query in QUERIES.items():
        for backwards in (False, True):
            body = {"query": query, "limit": 10, "backwards": backwards}
            read[name, backwards] = rows_read(store.using, partial(api.send, "events/query/", body))
        for after in (0, last - 5):  # too much of a broad context, and its end
            body = {"query": query, "after": after}
            read[name, after] = rows_read(store.using, partial(api.send, "events/context/", body))
    assert {what: rows for what, rows in read.items() if rows > HANDFUL} == {}


def test_a_period_is_found_by_halves(api: ApiClient, store: Store) -> None:
    with transaction.atomic(using=store.using):
        for n in range(EVENTS // 2):
            store_row(store.using, tags=["t"], recorded_at=MOMENT + timedelta(seconds=60 * n))
    end = MOMENT + timedelta(seconds=30 * EVENTS)
    hour = {"recorded_after": (end - timedelta(hours=1)).isoformat(), "recorded_before": end.isoformat()}
    never = {"recorded_after": (end + timedelta(days=900)).isoformat()}
    for period in (hour, never, {**hour, "tag": "t"}, {**never, "tag": "t"}, {**hour, "correlation_id": "c"}):
        for order in ("oldest", "newest"):
            asked = {"limit": 10, "order": order, **period}
            assert rows_read(store.using, partial(fetched, api, asked)) < HANDFUL, (period, order)


def test_tags_and_types_are_found_by_leaps(api: ApiClient, store: Store) -> None:
    fill(store)
    asked: list[tuple[str, dict[str, Any]]] = [
        ("tags/", {"prefix": "tenant"}),
        ("tags/", {"prefix": "order:1", "limit": 20}),
        ("tags/", {"after": "order:3", "limit": 20}),
        ("event-types/never/", {}),
        (f"event-types/{COUNTED}/", {}),
    ]
    for path, parameters in asked:
        read = rows_read(store.using, partial(api.fetch, path, **parameters))
        assert read < HANDFUL, (path, parameters)


def fetched(api: ApiClient, parameters: dict[str, Any]) -> None:
    assert api.fetch("events/", **parameters).status_code == 200

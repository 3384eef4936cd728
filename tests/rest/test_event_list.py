"""``GET events/``: what it filters by, and how its pages follow each other."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from factos_django import Proposed
from factos_django.core.query import Query
from factos_django.store import append
from factos_django.store.filters import Filters
from factos_django.store.moments import CLOCKS_DIFFER
from factos_django.store.stored import stored_page
from factos_django.testing.contract import Counted, Noted
from tests.rest.clients import ApiClient
from tests.rest.stored import MOMENT, store_row
from tests.stores import Store, on_databases

pytestmark = on_databases(also=["default"])


def record(store: Store, text: str, *tags: str, **metadata: Any) -> int:
    """Append one note, and return its position."""
    (recorded,) = append([Proposed(Noted(text), tags=tags, metadata=metadata)], using=store.using)
    return recorded.position


def said(answer: Any) -> list[Any]:
    """What the facts of an answer say."""
    assert answer.status_code == 200, answer.content
    return [event["data"].get("text") or event["data"].get("number") for event in answer.json()["events"]]


def pages(api: ApiClient, **parameters: Any) -> list[list[str]]:
    """What each page says, from the first one on, by the addresses that they give."""
    answer = api.fetch("events/", **parameters)
    found = [said(answer)]
    while address := answer.json()["next"]:
        answer = api.get(address)
        found.append(said(answer))
    return found


def test_types_are_alternatives_and_tags_are_all_needed(api: ApiClient, on_store: Store) -> None:
    record(on_store, "both", "a", "b")
    record(on_store, "one", "a")
    append([Proposed(Counted(3), tags=("a", "b"))], using=on_store.using)
    names = ["factos.contract.Noted", "factos.contract.Counted"]
    assert said(api.fetch("events/", tag=["a", "b"])) == ["both", 3]
    assert said(api.fetch("events/", type=names, tag="a")) == ["both", "one", 3]
    assert said(api.fetch("events/", type=names)) == ["both", "one", 3]
    assert said(api.fetch("events/", type=names[1])) == [3]
    assert said(api.fetch("events/", type="nobody.knows")) == []


@pytest.mark.parametrize("order", ["oldest", "newest"])
@pytest.mark.parametrize("filters", [{}, {"tag": "t 😀&/"}, {"correlation_id": "c+ d"}])
def test_pages_follow_each_other_by_position_and_keep_their_filters(
    api: ApiClient, on_store: Store, order: str, filters: dict[str, str]
) -> None:
    for number in range(5):
        record(on_store, f"f{number}", "t 😀&/", correlation_id="c+ d")
        record(on_store, f"other{number}") if filters else None
    expected = [["f0", "f1"], ["f2", "f3"], ["f4"]]
    if order == "newest":
        expected = [["f4", "f3"], ["f2", "f1"], ["f0"]]
    assert pages(api, limit=2, order=order, **filters) == expected


def test_a_full_last_page_leads_nowhere(api: ApiClient, on_store: Store) -> None:
    for number in range(4):
        record(on_store, f"f{number}")
    assert pages(api, limit=2) == [["f0", "f1"], ["f2", "f3"]]
    assert pages(api, limit=4, order="newest") == [["f3", "f2", "f1", "f0"]]


def test_positions_bound_a_page_on_both_sides(api: ApiClient, on_store: Store) -> None:
    positions = [record(on_store, f"f{number}") for number in range(5)]
    between = {"after": positions[0], "before": positions[4]}
    assert said(api.fetch("events/", **between)) == ["f1", "f2", "f3"]
    assert pages(api, limit=2, order="newest", **between) == [["f3", "f2"], ["f1"]]
    assert said(api.fetch("events/", before=0)) == []
    assert api.fetch("events/", before=positions[1]).json()["head"] == positions[4]


def test_a_limit_above_the_most_is_refused_and_says_what_that_is(
    api: ApiClient, on_store: Store, settings: Any
) -> None:
    settings.FACTOS_API_MAX_LIMIT = 2
    for number in range(3):
        record(on_store, f"f{number}")
    for answer in (
        api.fetch("events/", limit=3),
        api.send("events/query/", {"query": {"all": True}, "limit": 3}),
    ):
        assert answer.status_code == 400
        assert answer.json()["most"] == 2
    assert said(api.fetch("events/")) == ["f0", "f1"]


def test_a_correlation_is_found_to_the_letter_and_only_as_a_string(api: ApiClient, on_store: Store) -> None:
    for correlation in ("5", "a", "A", "a ", "é", "e\u0301", "😀", "x" * 300, "x" * 301, '"', "a'b\\"):
        record(on_store, correlation, correlation_id=correlation)
    record(on_store, "a number", correlation_id=5)
    record(on_store, "a cause", causation_id="a")
    record(on_store, "true", correlation_id=True)
    for correlation in ("5", "a", "A", "a ", "é", "e\u0301", "😀", "x" * 300, "x" * 301, '"', "a'b\\"):
        assert said(api.fetch("events/", correlation_id=correlation)) == [correlation]
    for nothing in ("", "true", "x" * 255, "%", "á", "a%", "_"):
        assert said(api.fetch("events/", correlation_id=nothing)) == []


def test_a_cause_is_found_by_the_store(on_store: Store) -> None:
    position = record(on_store, "effect", causation_id="cause")
    record(on_store, "other", correlation_id="cause")
    found = stored_page(
        Query.all(), limit=5, filters=Filters({"causation_id": "cause"}), using=on_store.using
    )
    assert [row.position for row in found.events] == [position]


@pytest.mark.parametrize("broad", ["none", "the correlation", "the tag", "both"])
def test_a_correlation_narrows_tags_and_types_whichever_is_rarer(
    api: ApiClient, on_store: Store, broad: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("factos_django.store.filters.BROAD", 3)
    for number in range(3):
        record(on_store, f"tagged{number}", "t") if broad in ("the tag", "both") else None
        record(on_store, f"in{number}", correlation_id="c") if broad in ("the correlation", "both") else None
    record(on_store, "found", "t", "u", correlation_id="c")
    record(on_store, "too", "t", correlation_id="c")
    assert said(api.fetch("events/", tag=["t", "u"], correlation_id="c")) == ["found"]
    assert said(api.fetch("events/", tag="t", correlation_id="c")) == ["found", "too"]
    assert said(api.fetch("events/", tag="t", correlation_id="c", order="newest", limit=1)) == ["too"]
    of_type = {"type": ["factos.contract.Noted", "other"], "correlation_id": "c"}
    assert said(api.fetch("events/", tag="t", **of_type)) == ["found", "too"]
    assert said(api.fetch("events/", **of_type))[-2:] == ["found", "too"]
    assert said(api.fetch("events/", type="other", correlation_id="c")) == []


def moments(store: Store, *seconds: float, tags: tuple[str, ...] = ()) -> dict[float, int]:
    """Store facts that were recorded so many seconds after a moment, and return their positions."""
    return {
        each: store_row(store.using, tags=tags, recorded_at=MOMENT + timedelta(seconds=each))
        for each in seconds
    }


def at(seconds: float) -> str:
    return (MOMENT + timedelta(seconds=seconds)).isoformat()


def positions(answer: Any) -> list[int]:
    assert answer.status_code == 200, answer.content
    return [event["position"] for event in answer.json()["events"]]


def test_a_period_holds_what_was_recorded_in_it_and_not_at_its_ends(api: ApiClient, on_store: Store) -> None:
    known = moments(on_store, 0, 10, 20, 30)
    assert positions(api.fetch("events/", recorded_after=at(0))) == [known[10], known[20], known[30]]
    assert positions(api.fetch("events/", recorded_before=at(20))) == [known[0], known[10]]
    between = {"recorded_after": at(5), "recorded_before": at(20.000001)}
    assert positions(api.fetch("events/", **between)) == [known[10], known[20]]
    assert positions(api.fetch("events/", recorded_after=at(5), recorded_before=at(6))) == []


@pytest.mark.parametrize("tagged", [False, True])
def test_a_period_is_exact_where_times_are_out_of_order_by_as_much_as_clocks_may_differ(
    api: ApiClient, on_store: Store, tagged: bool
) -> None:
    # A fact each ten seconds; every third was recorded by a clock that is slow, or by one that is fast.
    times = [10 * n + (0, -CLOCKS_DIFFER / 2, CLOCKS_DIFFER / 2 - 0.5)[n % 3] for n in range(400)]
    known = moments(on_store, *times, tags=("t",) if tagged else ())
    for begin, end in ((0, 600), (1000.5, 3000), (3700, 99999), (-600, 50), (2000, 2011)):
        expected = [position for time, position in known.items() if begin < time < end]
        asked = {"recorded_after": at(begin), "recorded_before": at(end), "limit": 1000}
        asked |= {"tag": "t"} if tagged else {}
        assert positions(api.fetch("events/", **asked)) == expected
        assert positions(api.fetch("events/", order="newest", **asked)) == expected[::-1]


MOMENTS_OF_NO_USE = [
    "2026-01-01T00:00:00",
    "2026-01-01",
    "2026-02-29T00:00:00Z",
    "2026-01-01T24:00:00Z",
    "2026-01-01T00:00:00+16:00",
    "2026-01-01T00:00:00-16:00",
    "2026-01-01T00:00:00 01:00",
    "0001-01-01T00:00:00+01:00",
    "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59-01:00",
    "9999-12-31T23:59:59Z",
    "٢026-01-01T00:00:00Z",
    "now",
    "",
]


def test_a_moment_that_is_none_is_refused(api: ApiClient) -> None:
    for moment in MOMENTS_OF_NO_USE:
        for name in ("recorded_after", "recorded_before"):
            answer = api.fetch("events/", **{name: moment})
            assert answer.status_code == 400, moment
            assert name in answer.json()["detail"]


@pytest.mark.parametrize("moment", ["1970-01-01T00:00:00+15:59", "8999-12-31T23:59:59.999999-15:59"])
def test_the_first_and_the_last_moments_are_taken(api: ApiClient, on_store: Store, moment: str) -> None:
    known = moments(on_store, 0)
    found = [position for position in known.values() if datetime.fromisoformat(moment) < MOMENT]
    assert positions(api.fetch("events/", recorded_after=moment)) == found
    assert positions(api.fetch("events/", recorded_before=moment)) == [
        position for position in known.values() if position not in found
    ]


REFUSED: list[dict[str, Any]] = [
    {"order": "position"},
    {"order": "-recorded_at; DROP TABLE factos_event"},
    {"type__startswith": "a"},
    {"data__text": "a"},
    {"metadata__correlation_id": "a"},
    {"type": "x' OR 1=1 --"},
    {"type": ""},
    {"tag": ""},
    {"tag": "a\nb"},
    {"tag": "x" * 256},
    {"tag": [f"t{n}" for n in range(65)]},
    {"type": [f"t{n}" for n in range(1001)]},
    {"correlation_id": "a\x00"},
    {"correlation_id": ["a", "b"]},
    {"before": "-1"},
    {"before": "1e3"},
    {"limit": str(2**63)},
]


def test_what_no_filter_takes_is_refused(api: ApiClient) -> None:
    for parameters in REFUSED:
        assert api.fetch("events/", **parameters).status_code == 400, parameters


def test_what_looks_like_sql_is_a_tag_like_others(api: ApiClient, on_store: Store) -> None:
    record(on_store, "other", "a")
    for tag in ("x' OR '1'='1", "%", "_", "a__b", "$.a", '") UNION SELECT 1 --', "\\"):
        record(on_store, tag, tag)
        assert said(api.fetch("events/", tag=tag)) == [tag]

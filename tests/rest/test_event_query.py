"""``POST events/query/`` and ``POST events/context/``."""

from typing import Any

import pytest

from factos_django import AppendCondition, Proposed, Query, QueryItem
from factos_django.core.condition import AppendConditionFailed
from factos_django.rest_framework.context_etag import etag_of
from factos_django.store import append, read_context
from factos_django.testing.contract import Counted, Noted
from tests.guards.conftest import Opener
from tests.guards.facts import weighing
from tests.rest.clients import ApiClient
from tests.stores import STORES, Store, flushed, on_databases

TAGGED = {"items": [{"tags": ["t"]}]}
QUERY = Query.of(QueryItem(tags=["t"]))

REFUSED: list[Any] = [
    {},
    {"items": []},
    {"all": False},
    {"all": True, "items": [{"tags": ["t"]}]},
    {"items": [{}]},
    {"items": [{"types": [], "tags": []}]},
    {"items": [{"tags": "t"}]},
    {"items": [{"types": [5]}]},
    {"items": [{"tags": [" t\n"]}]},
    {"items": [{"tags": ["t"], "regex": ".*"}]},
    {"all": 1},
    [],
    None,
    "all",
    {"items": [{"tags": [f"t{n}"]} for n in range(101)]},
    {"items": [{"tags": [f"t{n}" for n in range(65)]}]},
    {"items": [{"types": [f"t{n}" for n in range(101)], "tags": [f"u{i}"]} for i in range(10)]},
]

everywhere = on_databases(also=["default"])
#: Where appends of unrelated contexts are open side by side.
side_by_side = pytest.mark.parametrize(
    "store",
    [
        pytest.param(store, id=store.id, marks=[flushed(store.using, "default")])
        for store in STORES
        if store.guard == "tags"
    ],
    indirect=True,
)


def record(store: Store, text: str, *tags: str) -> int:
    return append([Proposed(Noted(text), tags=tags)], using=store.using)[0].position


def asked(api: ApiClient, path: str, **body: Any) -> dict[str, Any]:
    answer = api.send(f"events/{path}/", body)
    assert answer.status_code == 200, answer.content
    found: dict[str, Any] = answer.json()
    return found


def texts(found: dict[str, Any]) -> list[str]:
    return [event["data"]["text"] for event in found["events"]]


@everywhere
def test_items_are_alternatives_and_all_is_everything(api: ApiClient, on_store: Store) -> None:
    record(on_store, "a", "t")
    record(on_store, "b", "t", "u")
    record(on_store, "c", "u")
    items = [{"tags": ["t", "u"]}, {"types": ["factos.contract.Noted"], "tags": ["u"]}]
    assert texts(asked(api, "query", query={"items": items})) == ["b", "c"]
    assert texts(asked(api, "query", query={"all": True})) == ["a", "b", "c"]
    assert texts(asked(api, "query", query=TAGGED, backwards=True)) == ["b", "a"]
    assert texts(asked(api, "context", query=TAGGED)) == ["a", "b"]
    assert texts(asked(api, "context", query={"all": True})) == ["a", "b", "c"]


@everywhere
def test_a_query_that_says_nothing_or_too_much_is_refused(api: ApiClient) -> None:
    for query in REFUSED:
        for path in ("events/query/", "events/context/"):
            answer = api.send(path, {"query": query})
            assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json"), query


@everywhere
def test_a_thousand_items_of_a_thousand_tags_are_refused(api: ApiClient, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = None
    items = [{"tags": [f"{n}:{i}" for n in range(1000)]} for i in range(1000)]
    assert api.send("events/query/", {"query": {"items": items}}).status_code == 400


@everywhere
@pytest.mark.parametrize("path", ["query", "context"])
def test_a_query_at_the_limits_is_answered(api: ApiClient, on_store: Store, path: str) -> None:
    record(on_store, "found", *[f"tag:{n}" for n in range(63)], "item:7")
    tags = [f"tag:{n}" for n in range(63)]
    types = ["factos.contract.Noted", *[f"type{n}" for n in range(9)]]
    items = [{"types": types, "tags": [*tags, f"item:{n}"]} for n in range(100)]
    assert texts(asked(api, path, query={"items": items})) == ["found"]


@everywhere
def test_the_head_and_the_last_position_are_as_good_as_after_of_a_condition(
    api: ApiClient, on_store: Store
) -> None:
    for number in range(5):
        record(on_store, f"f{number}", "t")
    last = append([Counted(1)], using=on_store.using)[0].position
    whole = asked(api, "query", query=TAGGED)
    assert (whole["head"], whole["complete"]) == (last, True)
    append(
        [Proposed(Noted("x"), tags=("t",))],
        condition=AppendCondition(QUERY, after=last),
        using=on_store.using,
    )


@everywhere
def test_the_head_of_a_page_that_was_cut_is_the_last_position_so_that_a_condition_misses_nothing(
    api: ApiClient, on_store: Store
) -> None:
    for number in range(5):
        record(on_store, f"f{number}", "t")
    cut = asked(api, "query", query=TAGGED, limit=2)
    assert (cut["head"], cut["complete"]) == (cut["events"][-1]["position"], False)
    with pytest.raises(AppendConditionFailed):
        append([Counted(1)], condition=AppendCondition(QUERY, after=cut["head"]), using=on_store.using)
    rest = asked(api, "query", query=TAGGED, after=cut["head"])
    assert texts(rest) == ["f2", "f3", "f4"]
    assert rest["complete"] is True
    full = asked(api, "query", query=TAGGED, limit=3, after=cut["head"])
    assert full["complete"] is True


@everywhere
def test_backwards_the_head_holds_for_the_newest_facts_and_before_leads_to_older_ones(
    api: ApiClient, on_store: Store
) -> None:
    known = [record(on_store, f"f{number}", "t") for number in range(5)]
    newest = asked(api, "query", query=TAGGED, limit=2, backwards=True)
    assert (texts(newest), newest["head"], newest["complete"]) == (["f4", "f3"], known[4], False)
    older = asked(api, "query", query=TAGGED, backwards=True, before=newest["events"][-1]["position"])
    assert (texts(older), older["head"], older["complete"]) == (["f2", "f1", "f0"], known[3] - 1, True)
    assert asked(api, "query", query=TAGGED, before=0)["head"] == 0


@everywhere
def test_a_context_is_given_for_a_condition_and_named_by_its_etag(api: ApiClient, on_store: Store) -> None:
    record(on_store, "f0", "t")
    position = record(on_store, "f1", "t")
    record(on_store, "other")
    answer = api.send("events/context/", {"query": TAGGED})
    assert answer.json()["after"] == position
    assert answer["ETag"] == etag_of(QUERY, position)
    assert position == read_context(QUERY, weighing, using=on_store.using).position
    nothing = api.send("events/context/", {"query": {"items": [{"tags": ["nobody"]}]}})
    assert nothing.json() == {"events": [], "after": 0}


@everywhere
def test_a_context_that_is_too_large_is_read_in_pages_and_its_end_under_guards(
    api: ApiClient, on_store: Store, settings: Any
) -> None:
    settings.FACTOS_API_MAX_LIMIT = 3
    for number in range(4):
        record(on_store, f"f{number}", "t")
    refused = api.send("events/context/", {"query": TAGGED})
    assert refused.status_code == 422
    assert "events/query/" in refused.json()["detail"]
    page = asked(api, "query", query=TAGGED, limit=3)
    last = record(on_store, "f4", "t")
    answer = api.send("events/context/", {"query": TAGGED, "after": page["head"]})
    assert texts(answer.json()) == ["f3", "f4"]
    assert answer.json()["after"] == last
    assert answer["ETag"] == etag_of(QUERY, last)
    head = record(on_store, "other")
    ended = api.send("events/context/", {"query": TAGGED, "after": head})
    assert (ended.json(), ended["ETag"]) == ({"events": [], "after": head}, etag_of(QUERY, last))


@side_by_side
def test_a_context_sees_what_an_open_append_of_others_holds_back(
    api: ApiClient, on_store: Store, session: Opener
) -> None:
    other = session("other")
    other.begin()
    other.run(record, on_store, "open", "unrelated")
    position = record(on_store, "mine", "t")
    assert texts(asked(api, "query", query=TAGGED)) == []
    assert texts(asked(api, "query", query={"all": True})) == []
    found = asked(api, "context", query=TAGGED)
    assert (texts(found), found["after"]) == (["mine"], position)
    append([Counted(1)], condition=AppendCondition(QUERY, after=found["after"]), using=on_store.using)
    other.commit()
    assert texts(asked(api, "query", query=TAGGED)) == ["mine"]


@side_by_side
def test_a_context_waits_for_an_open_append_of_its_own_and_says_so_when_it_takes_too_long(
    api: ApiClient, on_store: Store, session: Opener, settings: Any
) -> None:
    settings.FACTOS_LOCK_TIMEOUT_SECONDS = 0.1
    other = session("other")
    other.begin()
    other.run(record, on_store, "open", "t")
    answer = api.send("events/context/", {"query": TAGGED})
    assert (answer.status_code, answer.has_header("Retry-After")) == (503, True)
    other.commit()
    assert texts(asked(api, "context", query=TAGGED)) == ["open"]

"""Inputs that broke other APIs, sent to ``POST events/append/``: none is a 5xx, and nothing is half taken."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

from factos_django import Recorded
from tests.rest.appending import errors_of, recorded, sent
from tests.rest.clients import ApiClient
from tests.rest.facts import an_order
from tests.stores import Store, on_databases

pytestmark = on_databases(also=["default"])

NO_TAGS = ["", "a\nb", "a\tb", "a\x1fb", "a\x7fb", "a\x85b", "x" * 256]
ODD_TAGS = [
    "a\N{LINE SEPARATOR}b", "a\N{RIGHT-TO-LEFT OVERRIDE}b", "a\N{ZERO WIDTH SPACE}b", "a,b", 'a"b', "a\\b",
    "%", "_", "'", "a'); DROP TABLE factos_event; --", "x" * 255, "\N{GRINNING FACE}" * 255,
]  # fmt: skip
LOOK_ALIKES = [
    ("\N{GRINNING FACE}", "\N{GRINNING FACE WITH SMILING EYES}"), ("A", "a"), ("é", "e"), ("a", "a "),
    (" a", "a"), ("é", "e\N{COMBINING ACUTE ACCENT}"), ("ß", "ss"), ("%", "x"), ("_", "x"),
]  # fmt: skip


def raw(text: str) -> str:
    """Return a body whose only event has ``text``, which need not be JSON, as its note."""
    return one_event("rest.Ordered", f'{{"order": "o1", "note": {text}}}')


def one_event(kind: str, data: str) -> str:
    return f'{{"events": [{{"type": "{kind}", "data": {data}}}]}}'


def tagged(*tags: Any) -> dict[str, Any]:
    return {**an_order(), "tags": list(tags)}


def condition_on(tag: str) -> dict[str, Any]:
    return {"fail_if_events_match": {"items": [{"tags": [tag]}]}}


def test_what_is_no_tag_is_refused_with_its_place(api: ApiClient, on_store: Store) -> None:
    for tag in NO_TAGS:
        (error,) = errors_of(sent(api, an_order(), tagged("a", tag)), 400)
        assert error["path"] == "$.events[1]", tag
        assert sent(api, an_order(), condition=condition_on(tag)).status_code == 400, tag
    assert recorded(on_store) == []


def test_odd_tags_are_kept_and_matched_exactly(api: ApiClient, on_store: Store) -> None:
    for tag in ODD_TAGS:
        assert sent(api, tagged(tag), condition=condition_on(tag)).status_code == 201
        assert sent(api, tagged(tag), condition=condition_on(tag)).status_code == 409
    assert [each.tags for each in recorded(on_store)] == [("order:o1", tag) for tag in ODD_TAGS]


def test_tags_that_look_alike_are_not_the_same(api: ApiClient, on_store: Store) -> None:
    for n, (one, other) in enumerate(LOOK_ALIKES):
        for first, second in ((f"{n}:{one}", f"{n}:{other}"), (f"{n}-{other}", f"{n}-{one}")):
            assert sent(api, tagged(first)).status_code == 201
            assert sent(api, tagged(second), condition=condition_on(second)).status_code == 201


def test_what_is_no_name_of_a_type_is_refused_with_its_place(
    api: ApiClient, on_store: Store, settings: Any
) -> None:
    for name in ("", "a b", "rest.Ordered ", " rest.Ordered", "a\n", "é", "x" * 101, "a/b"):
        for allowed in (False, True):
            settings.FACTOS_API_UNREGISTERED_TYPES = allowed
            (error,) = errors_of(sent(api, {"type": name, "data": {}}), 400)
            assert error["path"] == "$.events[0].type", name
        condition = {"fail_if_events_match": {"items": [{"types": [name]}]}}
        assert sent(api, an_order(), condition=condition).status_code == 400, name
    assert recorded(on_store) == []


NO_JSON: list[str | bytes] = [
    raw('"a\\u0000b"'),
    raw('"a\x00b"'),
    raw('"\\ud800"'),
    raw('{"\\udfff": 1}'),
    raw("NaN"),
    raw("Infinity"),
    raw("-Infinity"),
    raw("1e999"),
    raw("-1e999"),
    raw("9" * 5000),
    raw("[" * 100_000 + "]" * 100_000),
    raw('{"a":' * 100_000 + "1" + "}" * 100_000),
    raw("[" * 100_000),
    raw('{"a": 1, "a": 2}'),
    raw("1,}"),
    raw("'a'"),
    raw("01"),
    raw("1") + "x",
    " ",
    "\N{ZERO WIDTH NO-BREAK SPACE}" + raw("1"),
    "null",
    "[]",
    '"events"',
    b"\xff\xfe{}",
]


def test_what_is_no_json_that_every_database_stores_is_refused(api: ApiClient, on_store: Store) -> None:
    for body in NO_JSON:
        answer = api.send("events/append/", body)
        assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json"), body[:120]
    assert recorded(on_store) == []


def test_text_that_no_database_stores_is_refused_wherever_it_stands(api: ApiClient, on_store: Store) -> None:
    for escape in ("\\u0000", "\\ud83d"):
        for change in (
            {"tags": ["!"]},
            {"type": "!"},
            {"id": "!"},
            {"metadata": {"!": 1}},
            {"metadata": {"a": "!"}},
        ):
            text = json.dumps({"events": [an_order() | change]}).replace("!", escape)
            assert api.send("events/append/", text).status_code == 400, text
    assert recorded(on_store) == []


def test_a_body_of_ten_megabytes_is_too_large(api: ApiClient, on_store: Store) -> None:
    answer = api.send("events/append/", raw(json.dumps("x" * 10_000_000)))
    assert (answer.status_code, answer["Content-Type"]) == (413, "application/problem+json")
    assert recorded(on_store) == []


def test_what_is_too_much_for_one_append_is_refused(api: ApiClient, on_store: Store, settings: Any) -> None:
    assert sent(api, tagged(*(f"t{n}" for n in range(100_000)))).status_code == 400
    assert sent(api, tagged(*(f"t{n}" for n in range(64)))).status_code == 400  # and the one that is derived
    items = [{"tags": [f"t{n}"]} for n in range(1000)]
    assert sent(api, an_order(), condition={"fail_if_events_match": {"items": items}}).status_code == 400
    many = {"items": [{"tags": [f"t{n}" for n in range(1000)]}]}
    assert sent(api, an_order(), condition={"fail_if_events_match": many}).status_code == 400
    assert sent(api, {**an_order(), "metadata": {f"m{n}": n for n in range(33)}}).status_code == 400
    assert sent(api, {**an_order(), "metadata": {"m": "x" * 1001}}).status_code == 400
    settings.FACTOS_MAX_BATCH = 10
    assert sent(api, *[an_order()] * 11).status_code == 400
    assert recorded(on_store) == []


def test_data_that_is_nested_too_deeply_for_a_database_is_refused(api: ApiClient, on_store: Store) -> None:
    def nested(levels: int) -> str:
        return raw("[" * levels + "]" * levels)

    assert api.send("events/append/", nested(30)).status_code == 201
    assert api.send("events/append/", nested(31)).status_code == 422
    assert len(recorded(on_store)) == 1


SENT = (
    '{"b": 1e2, "aa": 9007199254740993, "a": [0.1, 1e22, -0.0, 1.50, 123456789012345678901], '
    '"\\u00e9": "\\/"}'
)
KEPT = (
    '{"a":[0.1,10000000000000000000000.0,0.0,1.5,123456789012345678901],"aa":9007199254740993,'
    '"b":100.0,"é":"/"}'
)


def test_the_same_data_is_the_same_bytes_on_every_database(
    api: ApiClient, on_store: Store, settings: Any
) -> None:
    settings.FACTOS_API_UNREGISTERED_TYPES = True
    position = api.send("events/append/", raw(SENT)).json()["position"]
    assert f'"note":{KEPT}'.encode() in api.fetch(f"events/{position}/").content
    position = api.send("events/append/", one_event("x", SENT)).json()["position"]
    assert f'"data":{KEPT}'.encode() in api.fetch(f"events/{position}/").content
    again = api.send("events/append/", one_event("x", KEPT)).json()["position"]
    assert f'"data":{KEPT}'.encode() in api.fetch(f"events/{again}/").content


NOT_TO_SAY: list[tuple[dict[str, Any], str]] = [
    ({"position": 7}, "$.events[0]"),
    ({"recorded_at": "2026-01-01T00:00:00Z"}, "$.events[0]"),
    ({"actor": "root"}, "$.events[0]"),
    ({"context": "c"}, "$.events[0]"),
    ({"stream_revision": 1}, "$.events[0]"),
    ({"metadata": {"actor": "root"}}, "$.events[0].metadata.actor"),
    ({"metadata": {"idempotency_key": "k"}}, "$.events[0].metadata.idempotency_key"),
    ({"metadata": {"user": {"id": 1}}}, "$.events[0].metadata[...]"),
    ({"metadata": {"": 1}}, "$.events[0].metadata"),
    ({"metadata": None}, "$.events[0].metadata"),
    ({"type": 5}, "$.events[0].type"),
    ({"type": None}, "$.events[0].type"),
    ({"tags": [5]}, "$.events[0].tags[0]"),
    ({"tags": "order:o1"}, "$.events[0].tags"),
    ({"id": 7}, "$.events[0].id"),
    ({"id": "7"}, "$.events[0].id"),
]


def test_what_is_not_the_clients_to_say_or_of_another_type_is_refused_with_its_place(
    api: ApiClient, on_store: Store
) -> None:
    for change, path in NOT_TO_SAY:
        (error,) = errors_of(sent(api, an_order() | change), 400)
        assert error["path"] == path, change
        if path == "$.events[0]":
            assert f"`{next(iter(change))}`" in error["detail"]
    assert recorded(on_store) == []


NO_APPENDS: list[dict[str, Any]] = [
    {},
    {"events": []},
    {"events": None},
    {"events": {}},
    {"events": [[]]},
    {"events": [{"type": "rest.Ordered"}]},
    {"events": [{"data": {"order": "o"}}]},
    {"events": [an_order()], "metadata": {}},
    {"events": [an_order()], "idempotency_key": "k"},
    {"events": [an_order()], "condition": {}},
    {"events": [an_order()], "condition": {"fail_if_events_match": {}}},
    {"events": [an_order()], "condition": {"fail_if_events_match": {"items": []}}},
    {"events": [an_order()], "condition": {"fail_if_events_match": {"items": [{}]}}},
    {"events": [an_order()], "condition": {"fail_if_events_match": {"all": 1}}},
    {
        "events": [an_order()],
        "condition": {"fail_if_events_match": {"all": True, "items": [{"tags": ["a"]}]}},
    },
    {"events": [an_order()], "condition": {"after": 1}},
    *(
        {"events": [an_order()], "condition": {"fail_if_events_match": {"all": True}, "after": after}}
        for after in (-1, 1.5, "1", True, 2**63, 10**4000)
    ),
    {"events": [{**an_order(), "id": str(uuid4())}] * 2},
]


def test_a_body_of_another_shape_is_refused(api: ApiClient, on_store: Store) -> None:
    for body in NO_APPENDS:
        answer = api.send("events/append/", body)
        assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json"), str(body)[
            :200
        ]
    assert recorded(on_store) == []


def test_what_is_sent_as_anything_but_json_is_refused(api: ApiClient, on_store: Store) -> None:
    text = json.dumps({"events": [an_order()]})
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        answer = api.post("/api/events/append/", text, content_type=kind)
        assert (answer.status_code, answer["Content-Type"]) == (415, "application/problem+json")
    assert api.post("/api/events/append/", {"events": "x"}).status_code == 415  # a form of a page
    assert recorded(on_store) == []


def test_a_request_that_is_captured_and_sent_again_records_nothing(api: ApiClient, on_store: Store) -> None:
    body = json.dumps({"events": [{**an_order(), "id": str(uuid4())}]})
    first = [api.send("events/append/", body).json() for _ in range(2)]
    assert first[0] == first[1]
    body = json.dumps({"events": [an_order("o2")]})
    answers = [api.send("events/append/", body, **{"Idempotency-Key": "k"}).json() for _ in range(3)]
    assert answers == [answers[0]] * 3
    found: list[Recorded[Any]] = recorded(on_store)
    assert len(found) == 2

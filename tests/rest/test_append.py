"""``POST events/append/``: what is recorded, and what is answered."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from django.contrib.auth.models import User

from factos_django import UnregisteredEvent
from factos_django.store import append, head
from tests.rest.appending import ORDER_1, errors_of, recorded, sent
from tests.rest.clients import ApiClient, a_client
from tests.rest.facts import Line, Ordered, an_order
from tests.stores import Store, on_databases

pytestmark = on_databases(also=["default"])


def test_facts_are_recorded_as_their_classes_have_them(api: ApiClient, on_store: Store) -> None:
    id = str(uuid4())
    answer = sent(
        api,
        {
            **an_order(lines=[{"article": "a"}, {"article": "b", "amount": 2}], price="1.10"),
            "id": id,
            "tags": ["region:ç", "order:o1"],
            "metadata": {"correlation_id": "c", "source_context": "shop", "n": 1.5, "none": None},
        },
        an_order("o2"),
    )
    assert (answer.status_code, answer["Cache-Control"]) == (201, "no-store")
    first, second = recorded(on_store)
    assert answer.json() == {
        "events": [
            {"id": id, "position": first.position},
            {"id": str(second.id), "position": second.position},
        ],
        "position": second.position,
    }
    assert first.position < second.position
    assert (first.event.lines, str(first.event.price)) == ((Line("a"), Line("b", 2)), "1.10")
    assert first.tags == ("order:o1", "region:ç")
    assert first.metadata.items() >= {"correlation_id": "c", "source_context": "shop", "n": 1.5}.items()
    assert (second.event, second.version, second.tags) == (Ordered("o2"), 3, ("order:o2",))


def test_the_server_says_who_sent_it_with_or_without_the_middleware(
    api: ApiClient, on_store: Store, settings: Any
) -> None:
    sent(api, an_order())
    settings.MIDDLEWARE = [each for each in settings.MIDDLEWARE if not each.endswith("StampMiddleware")]
    sent(a_client(User.objects.get()), an_order())  # a client keeps the middleware that it began with
    root = str(User.objects.get().pk)
    assert [each.metadata["actor"] for each in recorded(on_store)] == [root, root]


def test_a_condition_that_holds_lets_it_in_and_one_that_fails_names_what_is_in_the_way(
    api: ApiClient, on_store: Store
) -> None:
    condition = {"fail_if_events_match": ORDER_1}
    first = sent(api, an_order(), condition=condition).json()["position"]
    other = sent(api, an_order("o2"), condition={**condition, "after": first}).json()["position"]
    second = sent(api, an_order(), condition={**condition, "after": other}).json()["position"]
    refused = sent(api, an_order(), an_order("o3"), condition=condition)
    assert (refused.status_code, refused["Content-Type"]) == (409, "application/problem+json")
    problem = refused.json()
    assert problem["type"] == "urn:factos:append-condition-failed"
    assert problem["conflicts"] == [
        {"position": first, "type": "rest.Ordered"},
        {"position": second, "type": "rest.Ordered"},
    ]
    refused = sent(api, an_order(), condition={"fail_if_events_match": {"all": True}, "after": other})
    assert refused.json()["conflicts"] == [{"position": second, "type": "rest.Ordered"}]
    assert head(on_store.using) == second


def test_a_position_of_a_query_is_one_for_a_condition(api: ApiClient, on_store: Store) -> None:
    sent(api, an_order())
    read_at = api.send("events/query/", {"query": ORDER_1}).json()["head"]
    condition = {"fail_if_events_match": ORDER_1, "after": read_at}
    assert sent(api, an_order(), condition=condition).status_code == 201
    assert sent(api, an_order(), condition=condition).status_code == 409


def test_the_same_key_again_is_answered_as_the_first_was(api: ApiClient, on_store: Store) -> None:
    condition = {"fail_if_events_match": ORDER_1}
    for key in ("k", '"8e03978e-40d5-43dd-bc93-6894a57f9324"', "x" * 255):
        first = sent(api, an_order(key[:9]), an_order(), key=key, condition=condition)
        again = sent(api, an_order(key[:9]), an_order(), key=key, condition=condition)
        assert (first.status_code, again.status_code, again.json()) == (201, 201, first.json())
        condition["after"] = first.json()["position"]
    assert len(recorded(on_store)) == 6
    assert recorded(on_store)[0].metadata["idempotency_key"] == "k"


def test_a_key_that_stands_for_something_else_is_refused(api: ApiClient, on_store: Store) -> None:
    sent(api, an_order(), key="k")
    refused = sent(api, an_order("o2"), key="k")
    assert (refused.status_code, refused.json()["type"]) == (422, "urn:factos:idempotency-key-reused")
    for bad in ("", "x" * 256):
        assert sent(api, an_order(), key=bad).status_code == 400
    assert len(recorded(on_store)) == 1


def test_a_key_that_was_refused_may_be_used_again(api: ApiClient, on_store: Store) -> None:
    position = sent(api, an_order()).json()["position"]
    condition = {"fail_if_events_match": ORDER_1}
    assert sent(api, an_order("o2"), key="k", condition=condition).status_code == 409
    condition["after"] = position
    assert sent(api, an_order("o2"), key="k", condition=condition).status_code == 201


def test_the_same_ids_again_are_answered_as_the_first_were(api: ApiClient, on_store: Store) -> None:
    event = {**an_order(), "id": str(uuid4())}
    first = sent(api, event, an_order("o2"))
    assert sent(api, event, an_order("o2")).json() == first.json()
    refused = sent(api, {**event, "data": {"order": "o9"}})
    assert (refused.status_code, refused.json()["type"]) == (422, "urn:factos:event-id-reused")
    assert len(recorded(on_store)) == 2


MISFITS: list[tuple[Any, str]] = [
    ({"order": "o", "foo": 1}, "$.events[1].data.foo"),
    (
        {"order": "o", "lines": [{"article": "a"}, {"article": "b", "x": 0}]},
        "$.events[1].data.lines[1].x",
    ),
    ({"order": "o", "lines": [{"article": 5}]}, "$.events[1].data.lines[0].article"),
    ({"order": 5}, "$.events[1].data.order"),
    ({}, "$.events[1].data"),
    ({"order": ""}, "$.events[1].data"),
    ({"order": "a\tb"}, "$.events[1].data"),
    ({"order": "o", "price": 1.1}, "$.events[1].data.price"),
    ([], "$.events[1].data"),
    (None, "$.events[1].data"),
]


def test_data_that_does_not_fit_its_type_is_refused_with_its_place(api: ApiClient, on_store: Store) -> None:
    for data, path in MISFITS:
        answer = sent(api, an_order(), {"type": "rest.Ordered", "data": data})
        assert [each["path"] for each in errors_of(answer, 422)] == [path], data
    assert sent(api, an_order(note="x" * 300_000)).status_code == 422  # too large, and in no place wrong
    assert recorded(on_store) == []


def test_what_an_applications_class_fails_at_is_refused_without_its_text(
    api: ApiClient, on_store: Store
) -> None:
    for grams in (-1, 0):
        (error,) = errors_of(sent(api, {"type": "rest.Weighed", "data": {"grams": grams}}), 422)
        assert error["path"] == "$.events[0].data"
        assert "Error" not in error["detail"]
        assert "division" not in error["detail"]
    assert recorded(on_store) == []


def test_an_older_version_is_brought_up_and_others_are_refused(api: ApiClient, on_store: Store) -> None:
    older: Any = {"type": "rest.Ordered", "version": 2, "data": {"number": 7}}
    assert sent(api, older).status_code == 201
    assert [(each.event, each.version) for each in recorded(on_store)] == [(Ordered("7"), 3)]
    version: Any
    data: Any
    for version in (1, 4, 32_767):
        (error,) = errors_of(sent(api, {**older, "version": version}), 422)
        assert error["path"] == "$.events[0].version"
    for version in (0, -1, 32_768, "2", 1.5, True):
        (error,) = errors_of(sent(api, {**older, "version": version}), 400)
        assert error["path"] == "$.events[0].version"
    for data in ({"order": "o"}, [], None, "x"):  # which the upcaster cannot read
        (error,) = errors_of(sent(api, {**older, "data": data}), 422)
        assert error["path"] == "$.events[0].data"
    (error,) = errors_of(sent(api, {**older, "data": {"number": 7, "x": 1}}), 422)
    assert (error["path"], "from version 2" in error["detail"]) == ("$.events[0].data.x", True)
    assert len(recorded(on_store)) == 1


def test_a_type_that_nobody_knows_is_refused_unless_the_setting_allows_it(
    api: ApiClient, on_store: Store, settings: Any
) -> None:
    unknown: Any = {"type": "shop.Paid", "data": {"b": [1, 2.0, None], "a": "é"}, "tags": ["x"]}
    allowed: Any
    for allowed in (False, ["shop.Other"]):
        settings.FACTOS_API_UNREGISTERED_TYPES = allowed
        (error,) = errors_of(sent(api, an_order(), unknown), 422)
        assert error["path"] == "$.events[1].type"
    for allowed in (True, {"shop.Paid"}):
        settings.FACTOS_API_UNREGISTERED_TYPES = allowed
        assert sent(api, unknown, {**unknown, "version": 3, "data": [1], "tags": []}).status_code == 201
    first, second, *_ = recorded(on_store)
    assert (first.event, first.tags) == (UnregisteredEvent("shop.Paid", 1, unknown["data"]), ("x",))
    assert (second.event, second.tags) == (UnregisteredEvent("shop.Paid", 3, [1]), ())
    assert sent(api, {**an_order(), "data": {"foo": 1}}).status_code == 422  # a known type stays one
    assert sent(api, {**unknown, "data": None}).status_code == 422
    assert sent(api, {**unknown, "type": "no name"}).status_code == 400
    assert len(recorded(on_store)) == 4


def test_an_append_of_the_application_and_one_of_a_client_see_each_other(
    api: ApiClient, on_store: Store
) -> None:
    append([Ordered("o1")], using=on_store.using)
    assert sent(api, an_order(), condition={"fail_if_events_match": ORDER_1}).status_code == 409

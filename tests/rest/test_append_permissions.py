"""Who may append what over HTTP, and who may ask by a condition."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from rest_framework.exceptions import PermissionDenied

from factos_django import Query
from factos_django.rest_framework import ApiPermissions
from tests.rest.appending import ORDER_1, recorded, sent
from tests.rest.clients import ApiClient, a_client, a_user
from tests.rest.facts import an_order
from tests.stores import Store, on_databases

pytestmark = on_databases(also=["default"])

PERMISSIONS = "tests.rest.test_append_permissions.OnlyRegionA"


class OnlyRegionA(ApiPermissions):
    """Appends orders of region A, and reads them."""

    def may_append_type(self, name: str, tags: tuple[str, ...]) -> bool:
        return name == "rest.Ordered" and "region:a" in tags and "order:closed" not in tags

    def may_read(self, query: Query) -> bool:
        return bool(query.items) and all("region:a" in item.tags for item in query.items)


class NobodyLooks(ApiPermissions):
    """Says no by saying why."""

    def may_view_events(self) -> bool:
        raise PermissionDenied("Nobody looks.")


def in_region(region: str, order: str = "o1") -> dict[str, Any]:
    return {**an_order(order), "tags": [f"region:{region}"]}


def under(*tags: str) -> dict[str, Any]:
    return {"fail_if_events_match": {"items": [{"tags": list(tags)}]}}


@pytest.fixture
def seller(on_store: Store) -> ApiClient:
    """A client who may append, and not view."""
    return a_client(a_user("seller", "append_event"))


def test_nobody_appends_without_the_permission(anybody: ApiClient, on_store: Store) -> None:
    viewer = a_client(a_user("viewer", "view_event", "view_event_data"))
    for client in (anybody, viewer):
        for body in ({"events": [an_order()]}, {}, "no json"):  # which is not even read
            answer = client.send("events/append/", body)
            assert (answer.status_code, answer["Content-Type"]) == (403, "application/problem+json")
    assert recorded(on_store) == []


def test_a_session_needs_the_token_against_forgery_and_a_login_by_header_does_not(on_store: Store) -> None:
    user = User.objects.create_superuser("root", password="secret")
    client = Client(enforce_csrf_checks=True)
    client.force_login(user)
    body = {"events": [an_order()]}
    answer = client.post("/api/events/append/", body, content_type="application/json")
    assert (answer.status_code, answer["Content-Type"]) == (403, "application/problem+json")
    assert recorded(on_store) == []
    login = {"Authorization": f"Basic {base64.b64encode(b'root:secret').decode()}"}
    stranger = Client(enforce_csrf_checks=True)
    answer = stranger.post("/api/events/append/", body, content_type="application/json", headers=login)
    assert answer.status_code == 201
    assert recorded(on_store)[0].metadata["actor"] == str(user.pk)


def test_a_condition_asks_about_events_so_who_may_not_view_them_is_refused_whatever_is_there(
    seller: ApiClient, on_store: Store
) -> None:
    assert sent(seller, an_order()).status_code == 201
    answers = [
        sent(seller, an_order(), condition=under(tag), key=key).content
        for tag in ("order:o1", "order:none")
        for key in (None, "k")
    ]
    assert len(set(answers)) == 1
    assert b'"status":403' in answers[0]
    viewer = a_client(a_user("both", "append_event", "view_event"))
    assert sent(viewer, an_order(), condition=under("order:o1")).status_code == 409
    assert len(recorded(on_store)) == 1


def test_a_query_that_may_not_be_asked_is_none_for_a_condition(on_store: Store, settings: Any) -> None:
    settings.FACTOS_API_PERMISSIONS = PERMISSIONS
    client = a_client(a_user("both", "append_event", "view_event"))
    assert sent(client, in_region("a")).status_code == 201
    refused = [
        under("order:o1"),
        under("order:none"),
        {"fail_if_events_match": {"all": True}},
        {"fail_if_events_match": {"items": [{"tags": ["region:a"]}, {"types": ["rest.Ordered"]}]}},
        {"fail_if_events_match": ORDER_1, "after": 1},
    ]
    assert {sent(client, in_region("a"), condition=each).status_code for each in refused} == {403}
    assert sent(client, in_region("a"), condition=under("region:a", "order:o2")).status_code == 201
    assert sent(client, in_region("a"), condition=under("region:a")).status_code == 409
    assert len(recorded(on_store)) == 2


def test_each_fact_needs_permission_by_its_type_and_all_of_its_tags(
    seller: ApiClient, on_store: Store, settings: Any
) -> None:
    settings.FACTOS_API_PERMISSIONS = PERMISSIONS
    assert sent(seller, in_region("a"), in_region("a", "o2")).status_code == 201
    for event in (in_region("b"), an_order(), in_region("a", "closed")):
        answer = sent(seller, in_region("a"), event)
        assert answer.status_code == 403
        assert "rest.Ordered" in answer.json()["detail"]
    weighed = {"type": "rest.Weighed", "data": {"grams": 1}, "tags": ["region:a"]}
    answer = sent(seller, weighed)
    assert (answer.status_code, "rest.Weighed" in answer.json()["detail"]) == (403, True)
    assert len(recorded(on_store)) == 2


def test_a_repetition_needs_the_permissions_of_the_first_and_tells_no_more(
    seller: ApiClient, on_store: Store, settings: Any
) -> None:
    root = a_client(User.objects.create_superuser("root"))
    event = {**in_region("b"), "id": "00000000-0000-4000-8000-000000000001"}
    assert sent(root, event, key="k").status_code == 201
    reused = sent(seller, {**event, "data": {"order": "o2"}})
    assert reused.json()["type"] == "urn:factos:event-id-reused"
    assert "position" not in reused.json()["detail"]
    assert sent(seller, in_region("a"), key="k").json()["type"] == "urn:factos:idempotency-key-reused"
    settings.FACTOS_API_PERMISSIONS = PERMISSIONS
    assert sent(seller, event, key="k").status_code == 403
    assert sent(seller, event).status_code == 403
    assert len(recorded(on_store)) == 1


def test_where_an_event_stands_is_told_to_those_alone_who_may_read_everything(
    on_store: Store, settings: Any
) -> None:
    root = a_client(User.objects.create_superuser("root"))
    event = {**in_region("b"), "id": "00000000-0000-4000-8000-000000000001"}
    assert sent(root, event).status_code == 201
    reused = {**in_region("a"), "id": event["id"]}
    assert "at position" in sent(root, reused).json()["detail"]
    client = a_client(a_user("both", "append_event", "view_event"))
    for name in ("OnlyRegionA", "NobodyLooks"):
        settings.FACTOS_API_PERMISSIONS = f"tests.rest.test_append_permissions.{name}"
        answer = sent(client, reused)
        assert (answer.status_code, answer.json()["type"]) == (422, "urn:factos:event-id-reused"), name
        assert "position" not in answer.json()["detail"]

"""``GET events/feed/``: what one client is sent."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError, connections
from django.test import AsyncClient
from django.test.client import Client

from factos_django import Query, QueryItem
from factos_django.rest_framework.feed import subscription
from factos_django.rest_framework.feed.places import PLACES
from factos_django.rest_framework.permissions import ApiPermissions
from factos_django.store import append, head
from tests.parcels.domain import ParcelReported, ParcelSent
from tests.rest.clients import ApiClient, a_client, a_user
from tests.stores import Store, on_databases

pytestmark = on_databases(also=["default"])


@pytest.fixture(autouse=True)
def short(settings: Any) -> None:
    """A feed ends at once but for what is there."""
    settings.FACTOS_FEED_SECONDS = 0.2
    settings.FACTOS_POLL_SECONDS = 0.05


@pytest.fixture(autouse=True)
def _everybody_leaves() -> Any:
    assert len(PLACES) == 0
    yield
    assert len(PLACES) == 0


def sent(answer: Any) -> str:
    """All that is sent until the end."""
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/event-stream")
    text = b"".join(answer.streaming_content).decode()
    answer.close()
    return text


def facts(text: str) -> list[Any]:
    return [json.loads(line.removeprefix("data: ")) for line in text.split("\n") if line.startswith("data")]


def positions(text: str) -> list[int]:
    return [fact["position"] for fact in facts(text)]


def ids(text: str) -> list[int]:
    return [int(line.removeprefix("id: ")) for line in text.split("\n") if line.startswith("id: ")]


def an_append(store: Store, *parcels: str) -> list[int]:
    """Append a parcel each; return the positions."""
    recorded = append([ParcelSent(parcel, "ann") for parcel in parcels], using=store.using)
    return [each.position for each in recorded]


def test_a_fact_is_sent_as_events_shows_it_with_its_position_as_id(on_store: Store, api: ApiClient) -> None:
    fact = ParcelSent("p1", "ann", told='two\nlines\r "quoted" \u2028')
    position = append([fact], using=on_store.using)[0].position
    text = sent(api.fetch("events/feed/", after=0))
    assert text.startswith("retry: 1000\nid: 0\n\n")
    assert facts(text) == [api.fetch(f"events/{position}/").json()]
    assert ids(text) == [0, position]
    assert "event:" not in text


def test_however_short_it_lasts_it_looks_once(on_store: Store, api: ApiClient, settings: Any) -> None:
    """Else a client of a slow server would connect again and again, and never come on."""
    settings.FACTOS_FEED_SECONDS = 1e-9
    appended = an_append(on_store, "p1")
    assert positions(sent(api.fetch("events/feed/", after=0))) == appended


def test_types_are_alternatives_and_tags_are_all_needed(on_store: Store, api: ApiClient) -> None:
    (first,) = an_append(on_store, "p1")
    (reported,) = append([ParcelReported("p1")], using=on_store.using)
    an_append(on_store, "p2")
    both = api.fetch("events/feed/", after=0, type=["parcels.Sent", "parcels.Reported"], tag=["parcel:p1"])
    assert positions(sent(both)) == [first, reported.position]
    narrow = api.fetch("events/feed/", after=0, tag=["parcel:p1", "buyer:ann"])
    assert positions(sent(narrow)) == [first]


def test_pages_follow_each_other(on_store: Store, api: ApiClient, monkeypatch: Any, settings: Any) -> None:
    settings.FACTOS_FEED_SECONDS = 2
    monkeypatch.setattr(subscription, "_PAGE", 2)
    appended = an_append(on_store, *"abcde")
    assert positions(sent(api.fetch("events/feed/", after=0))) == appended


def test_without_a_position_it_begins_now_and_says_where_that_is(on_store: Store, api: ApiClient) -> None:
    an_append(on_store, "old")
    now = head(on_store.using)
    text = sent(api.fetch("events/feed/"))
    assert (positions(text), ids(text)) == ([], [now])


def test_the_last_event_id_goes_before_the_address(on_store: Store, api: ApiClient) -> None:
    first, second = an_append(on_store, "a", "b")
    answer = api.get("/api/events/feed/?after=0", headers={"Last-Event-ID": str(first)})
    assert positions(sent(answer)) == [second]
    beyond = api.get("/api/events/feed/", headers={"Last-Event-ID": str(2**63 - 1)})
    assert positions(sent(beyond)) == []


def test_what_matched_nothing_is_told_as_an_id_alone(on_store: Store, api: ApiClient) -> None:
    an_append(on_store, *"abc")
    text = sent(api.fetch("events/feed/", after=0, type="parcels.Reported"))
    assert positions(text) == []
    assert ids(text) == [0, head(on_store.using)]


def test_a_sign_of_life_is_no_event(on_store: Store, api: ApiClient) -> None:
    text = sent(api.fetch("events/feed/", after=0))
    assert "\n:\n\n" in text
    assert text.endswith("retry: 1000\n:\n\n")


@pytest.mark.parametrize("accept", ["text/event-stream", "*/*", "application/json", "image/png", ""])
def test_whatever_the_client_accepts_it_gets_the_feed_and_errors_in_json(api: ApiClient, accept: str) -> None:
    sent(api.get("/api/events/feed/", headers={"Accept": accept}))
    refused = api.get("/api/events/feed/?after=x", headers={"Accept": accept})
    assert (refused.status_code, refused["Content-Type"]) == (400, "application/problem+json")


def test_nobody_on_the_way_keeps_gathers_or_packs_it(api: ApiClient, settings: Any) -> None:
    settings.MIDDLEWARE = ["django.middleware.gzip.GZipMiddleware", *settings.MIDDLEWARE]
    answer = api.get("/api/events/feed/", headers={"Accept-Encoding": "gzip"})
    assert answer["Cache-Control"] == "no-store"
    assert answer["X-Accel-Buffering"] == "no"
    assert sent(answer).startswith("retry: ")


@pytest.mark.parametrize("header", ["x", "-1", "1.5", "٣", str(2**63), "9" * 5000, "1 "])
def test_a_last_event_id_that_is_no_position_is_refused(api: ApiClient, header: str) -> None:
    answer = api.get("/api/events/feed/", headers={"Last-Event-ID": header.encode().decode("latin1")})
    assert answer.status_code == 400


@pytest.mark.parametrize("parameters", [{"limit": "1"}, {"after": "-1"}, {"type": "a\x00"}, {"tag": [""]}])
def test_a_parameter_that_makes_no_sense_is_refused(api: ApiClient, parameters: Any) -> None:
    assert api.fetch("events/feed/", **parameters).status_code == 400


def test_its_head_alone_takes_no_time_and_no_place(api: ApiClient, settings: Any) -> None:
    settings.FACTOS_FEED_SECONDS = 1000
    answer = api.head("/api/events/feed/")
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/event-stream")


def test_it_is_for_those_who_may_view_events(on_store: Store, anybody: ApiClient) -> None:
    an_append(on_store, "p1")
    assert anybody.fetch("events/feed/").status_code == 403
    assert a_client(a_user("bob")).fetch("events/feed/").status_code == 403
    (fact,) = facts(sent(a_client(a_user("eve", "view_event")).fetch("events/feed/", after=0)))
    assert "data" not in fact
    everything = a_client(a_user("ann", "view_event", "view_event_data"))
    (fact,) = facts(sent(everything.fetch("events/feed/", after=0)))
    assert fact["data"]["parcel"] == "p1"


class OwnParcel(ApiPermissions):
    def may_read(self, query: Query) -> bool:
        return query == Query.of(QueryItem(tags=["parcel:p1"]))


def test_a_query_that_the_user_may_not_read_is_refused(api: ApiClient, settings: Any) -> None:
    settings.FACTOS_API_PERMISSIONS = f"{__name__}.OwnParcel"
    assert api.fetch("events/feed/", tag="parcel:p2").status_code == 403
    sent(api.fetch("events/feed/", tag="parcel:p1"))


def test_a_browsers_session_needs_no_csrf_token_to_read(on_store: Store) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(User.objects.create_superuser("root"))
    sent(client.get("/api/events/feed/"))
    assert client.post("/api/events/feed/").status_code == 403


def test_a_database_that_fails_ends_the_answer_and_the_next_one_says_so(
    api: ApiClient, monkeypatch: Any, settings: Any
) -> None:
    def fails(*_: Any, **__: Any) -> Any:
        raise OperationalError("the server's secret")

    settings.FACTOS_FEED_SECONDS = 1000
    answer = api.fetch("events/feed/", after=7)
    monkeypatch.setattr(subscription, "stored_page", fails)
    text = sent(answer)
    assert "secret" not in text
    assert text.endswith("retry: 1000\n:\n\n")
    assert ids(text) == [7]


def test_between_messages_no_connection_of_its_thread_is_open(on_store: Store, api: ApiClient) -> None:
    an_append(on_store, "a")
    answer = api.fetch("events/feed/", after=0)
    for chunk in answer.streaming_content:
        assert chunk
        opened = [each.alias for each in connections.all(initialized_only=True) if each.connection]
        assert opened == []
    answer.close()


def test_a_commit_of_the_same_process_is_sent_at_once(on_store: Store, api: ApiClient, settings: Any) -> None:
    settings.FACTOS_FEED_SECONDS = settings.FACTOS_POLL_SECONDS = 1000
    answer = api.fetch("events/feed/")
    messages = iter(answer.streaming_content)
    next(messages)
    timer = threading.Timer(0.2, _appended_elsewhere, [on_store])
    timer.start()
    assert b'"parcel:late"' in next(messages)
    timer.join()
    answer.close()


def _appended_elsewhere(store: Store) -> None:
    try:
        an_append(store, "late")
    finally:
        connections.close_all()


def test_under_asgi_it_is_sent_by_asyncio(on_store: Store) -> None:
    appended = an_append(on_store, "a", "b")
    user = User.objects.create_superuser("root")

    async def asked() -> str:
        client = AsyncClient()
        await client.aforce_login(user)
        answer: Any = await client.get("/api/events/feed/?after=0")
        assert answer.is_async
        text = "".join([chunk.decode() async for chunk in answer.streaming_content])
        assert len(PLACES) == 0
        return text

    text = asyncio.run(asked())
    assert positions(text) == appended
    assert text.startswith("retry: 1000\nid: 0\n\n")

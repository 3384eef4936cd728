"""``GET events/?wait=``: a list that waits for facts, for clients that cannot stream."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connections

from factos_django.rest_framework.feed.places import PLACES
from factos_django.store import append, head
from tests.parcels.domain import ParcelReported, ParcelSent
from tests.rest.clients import ApiClient
from tests.stores import Store, on_databases

pytestmark = on_databases(also=["default"])


@pytest.fixture(autouse=True)
def _prompt(settings: Any) -> None:
    settings.FACTOS_POLL_SECONDS = 0.05


def later(store: Store, *parcels: Any) -> threading.Timer:
    """Append in a moment, from another thread."""

    def appends() -> None:
        try:
            for parcel in parcels:
                append([parcel], using=store.using)
        finally:
            connections.close_all()

    timer = threading.Timer(0.2, appends)
    timer.start()
    return timer


def test_facts_that_are_there_are_answered_at_once(on_store: Store, api: ApiClient, settings: Any) -> None:
    settings.FACTOS_FEED_SECONDS = 1000
    append([ParcelSent("p1", "ann")], using=on_store.using)
    assert len(api.fetch("events/", wait=1000).json()["events"]) == 1


def test_the_first_fact_to_come_ends_the_wait(on_store: Store, api: ApiClient, settings: Any) -> None:
    settings.FACTOS_FEED_SECONDS = 1000
    append([ParcelSent("p1", "ann")], using=on_store.using)
    before = head(on_store.using)
    timer = later(on_store, ParcelSent("p2", "ann"))
    page = api.fetch("events/", after=before, wait=1000).json()
    timer.join()
    assert [event["data"]["parcel"] for event in page["events"]] == ["p2"]
    assert page["head"] > before
    assert len(PLACES) == 0


def test_facts_that_do_not_match_do_not_end_it(on_store: Store, api: ApiClient, settings: Any) -> None:
    settings.FACTOS_FEED_SECONDS = 1000
    timer = later(on_store, ParcelSent("p1", "ann"), ParcelSent("p2", "ann"), ParcelReported("p2"))
    page = api.fetch("events/", type="parcels.Reported", wait=1000).json()
    timer.join()
    assert [event["type"] for event in page["events"]] == ["parcels.Reported"]


def test_when_time_is_over_the_page_is_empty(on_store: Store, api: ApiClient) -> None:
    append([ParcelSent("p1", "ann")], using=on_store.using)
    last = head(on_store.using)
    page = api.fetch("events/", after=last, wait=0.2).json()
    assert (page["events"], page["head"]) == ([], last)


@pytest.mark.parametrize("wait", ["-1", "x", "nan", "inf", "25.1", "1e9", "٣"])
def test_a_wait_that_is_no_time_or_too_long_is_refused(api: ApiClient, wait: str) -> None:
    answer = api.fetch("events/", wait=wait)
    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")


def test_the_newest_are_those_of_now(api: ApiClient, settings: Any) -> None:
    settings.FACTOS_FEED_SECONDS = 1000
    assert api.fetch("events/", wait=1000, order="newest").json()["events"] == []


def test_it_takes_a_place_as_the_feed_does(api: ApiClient, settings: Any) -> None:
    settings.FACTOS_FEED_MAX_CLIENTS = 1
    feed = api.fetch("events/feed/")
    refused = api.fetch("events/", wait=1)
    assert (refused.status_code, refused["Retry-After"]) == (503, "5")
    assert refused.json()["type"] == "urn:factos:too-many-clients"
    assert api.fetch("events/").status_code == 200
    feed.close()
    assert api.fetch("events/", wait=0.1).status_code == 200

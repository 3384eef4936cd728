"""However a client of the feed goes away, another can have his place."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError
from django.test import AsyncClient

from factos_django.rest_framework.feed import places, subscription
from factos_django.rest_framework.feed.places import PLACES
from tests.faults.actors import PATIENCE
from tests.rest.clients import ApiClient
from tests.stores import Store, on_databases

pytestmark = on_databases("default")


@pytest.fixture(autouse=True)
def _all_places_are_free(settings: Any) -> Iterator[None]:
    settings.FACTOS_FEED_SECONDS = 0.2
    assert len(PLACES) == 0
    yield
    assert len(PLACES) == 0


def test_over_the_limit_a_client_is_refused_and_told_when_to_ask_again(api: ApiClient, settings: Any) -> None:
    settings.FACTOS_FEED_MAX_CLIENTS = 2
    first, second = api.fetch("events/feed/"), api.fetch("events/feed/")
    refused = api.fetch("events/feed/")
    assert (refused.status_code, refused["Content-Type"]) == (503, "application/problem+json")
    assert refused.json()["type"] == "urn:factos:too-many-clients"
    assert int(refused["Retry-After"]) > 0
    first.close()
    third = api.fetch("events/feed/")
    assert third.status_code == 200
    second.close()
    third.close()


def test_a_client_who_stays_to_the_end_gives_his_place_back_without_a_close(api: ApiClient) -> None:
    answer = api.fetch("events/feed/")
    assert len(PLACES) == 1
    list(answer.streaming_content)
    assert len(PLACES) == 0


def test_a_client_who_goes_away_in_the_middle_gives_his_place_back(api: ApiClient) -> None:
    answer = api.fetch("events/feed/")
    next(iter(answer.streaming_content))
    assert len(PLACES) == 1
    answer.close()
    assert len(PLACES) == 0


def test_an_answer_that_nobody_iterates_gives_its_place_back_when_it_is_forgotten(api: ApiClient) -> None:
    answer = api.fetch("events/feed/")
    assert len(PLACES) == 1
    del answer
    gc.collect()
    assert len(PLACES) == 0


def test_an_error_in_the_middle_gives_the_place_back(api: ApiClient, monkeypatch: Any) -> None:
    def fails(*_: Any, **__: Any) -> Any:
        raise ZeroDivisionError

    answer = api.fetch("events/feed/")
    monkeypatch.setattr(subscription, "stored_page", fails)
    with pytest.raises(ZeroDivisionError):
        list(answer.streaming_content)
    assert len(PLACES) == 0


def test_an_error_before_the_answer_gives_the_place_back(api: ApiClient, monkeypatch: Any) -> None:
    def fails(*_: Any) -> Any:
        raise OperationalError("gone")

    monkeypatch.setattr(subscription, "head", fails)
    answer = api.fetch("events/feed/")
    assert (answer.status_code, answer["Content-Type"]) == (503, "application/problem+json")


def test_a_thread_that_is_ended_gives_its_place_back(api: ApiClient, monkeypatch: Any) -> None:
    def ends(*_: Any, **__: Any) -> Any:
        raise SystemExit

    answer = api.fetch("events/feed/")
    monkeypatch.setattr(subscription, "stored_page", ends)

    def served() -> None:
        with suppress(SystemExit):
            list(answer.streaming_content)

    thread = threading.Thread(target=served)
    thread.start()
    thread.join()
    assert len(PLACES) == 0


def test_under_asgi_a_client_who_goes_away_gives_his_place_back(on_store: Store, settings: Any) -> None:
    settings.FACTOS_FEED_SECONDS = 1000
    user = User.objects.create_superuser("root")

    async def asked() -> None:
        client = AsyncClient()
        await client.aforce_login(user)
        waiting = await client.get("/api/events/feed/")
        pulled = asyncio.ensure_future(_all(waiting))
        await asyncio.sleep(0.2)
        assert len(PLACES) == 1
        pulled.cancel()
        with pytest.raises(asyncio.CancelledError):
            await pulled
        assert len(PLACES) == 0
        forgotten = await client.get("/api/events/feed/")
        assert len(PLACES) == 1
        del forgotten

    asyncio.run(asked())
    deadline = time.monotonic() + PATIENCE
    while len(PLACES):  # the thread that made the answer may hold it for a moment longer
        gc.collect()
        assert time.monotonic() < deadline
        time.sleep(0.01)


async def _all(answer: Any) -> list[bytes]:
    return [chunk async for chunk in answer.streaming_content]


def test_a_forked_process_has_nobody_of_its_parent(api: ApiClient) -> None:
    answer = api.fetch("events/feed/")
    here = places.Places()
    kept = here.take()
    here.begin_anew()
    assert len(here) == 0
    kept.give_back()
    assert (len(here), len(PLACES)) == (0, 1)
    answer.close()

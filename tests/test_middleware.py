"""The middleware that stamps the appends of a request."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import pytest
from asgiref.sync import async_to_sync, iscoroutinefunction
from django.contrib.auth.models import User
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.test import AsyncClient, Client
from django.test.utils import CaptureQueriesContext
from django.urls import path

from factos_django import Decider, Query, QueryItem
from factos_django.dispatch import adispatch
from factos_django.middleware import StampMiddleware
from factos_django.stamps import current_stamps
from factos_django.store import aappend, append
from factos_django.testing.contract import Counted

counting: Decider[int, int, Counted] = Decider(
    initial=0, decide=lambda count, _: [Counted(count + 1)], evolve=lambda count, _: count + 1
)


def record(request: HttpRequest) -> HttpResponse:
    return JsonResponse(dict(append([Counted(1)])[0].metadata))


def look(request: HttpRequest) -> HttpResponse:
    return HttpResponse("nothing is recorded")


def fail(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("the page fails")


async def record_by_dispatch(request: HttpRequest) -> HttpResponse:
    await asyncio.sleep(0)
    done = await adispatch(1, decider=counting, query=Query.of(QueryItem(types=[Counted])))
    return JsonResponse(dict(done.events[0].metadata))


async def record_async(request: HttpRequest) -> HttpResponse:
    return JsonResponse(dict((await aappend([Counted(1)]))[0].metadata))


async def wait(request: HttpRequest) -> HttpResponse:
    before = current_stamps()
    await asyncio.sleep(0.02)
    return JsonResponse({"before": before, "after": current_stamps()})


urlpatterns = [
    path("record/", record),
    path("look/", look),
    path("fail/", fail),
    path("record-by-dispatch/", record_by_dispatch),
    path("record-async/", record_async),
    path("wait/", wait),
]

pytestmark = [pytest.mark.urls(__name__), pytest.mark.django_db]
RECORDING = ["/record/", "/record-by-dispatch/", "/record-async/"]
HEADERS = {"X-Request-ID": "r-1", "X-Correlation-ID": "c-1", "X-Causation-ID": "because-1"}
STAMPS = {"operation_id": "r-1", "correlation_id": "c-1", "causation_id": "because-1"}


def get(page: str, headers: dict[str, str] | None = None, user: User | None = None) -> dict[str, Any]:
    client = Client()
    if user is not None:
        client.force_login(user)
    return dict(client.get(page, headers=headers or {}).json())


def get_async(page: str, headers: dict[str, str] | None = None, user: User | None = None) -> dict[str, Any]:
    client = AsyncClient()
    if user is not None:
        client.force_login(user)
    response: Any = async_to_sync(client.get)(page, headers=headers or {})
    return dict(response.json())


CLIENTS = pytest.mark.parametrize("get", [get, get_async], ids=["wsgi", "asgi"])


@CLIENTS
@pytest.mark.parametrize("page", RECORDING)
def test_what_a_request_records_carries_its_ids(get: Any, page: str) -> None:
    assert get(page, HEADERS) == STAMPS


@CLIENTS
@pytest.mark.parametrize("page", RECORDING)
def test_what_a_request_records_carries_the_user_who_is_logged_in(get: Any, page: str) -> None:
    user = User.objects.create(username="renata")
    assert get(page, HEADERS, user) == STAMPS | {"actor": str(user.pk)}


@CLIENTS
@pytest.mark.parametrize("page", RECORDING)
def test_a_request_without_ids_gets_a_random_one_which_is_its_correlation(get: Any, page: str) -> None:
    first, second = get(page), get(page)
    assert set(first) == {"operation_id", "correlation_id"}
    assert first["operation_id"] == first["correlation_id"] == str(UUID(first["operation_id"]))
    assert first["operation_id"] != second["operation_id"]


@CLIENTS
def test_a_request_id_alone_is_its_correlation_too(get: Any) -> None:
    assert get("/record/", {"X-Request-ID": "r-1"}) == {"operation_id": "r-1", "correlation_id": "r-1"}


UNACCEPTABLE = ["", " ", "a b", "a\tb", "é", "x" * 201, "a,\x7f", "a\x00b"]


@CLIENTS
@pytest.mark.parametrize("value", UNACCEPTABLE, ids=ascii)
def test_what_a_client_sends_is_short_and_printable_or_not_recorded(get: Any, value: str) -> None:
    found = get("/record/", dict.fromkeys(HEADERS, value))
    assert set(found) == {"operation_id", "correlation_id"}
    assert value not in found.values()


def test_a_newline_in_a_header_is_not_recorded() -> None:
    response = Client().get("/record/", HTTP_X_REQUEST_ID="r-1\n", HTTP_X_CAUSATION_ID="a\r\nb")
    assert "r-1" not in response.json()["operation_id"]
    assert "causation_id" not in response.json()


@CLIENTS
def test_the_longest_id_is_recorded_as_it_is(get: Any) -> None:
    longest = "!~" * 100
    assert get("/record/", dict.fromkeys(HEADERS, longest)) == dict.fromkeys(STAMPS, longest)


def test_the_actor_is_looked_up_by_an_append_and_not_by_a_page_that_records_nothing() -> None:
    client = Client()
    client.force_login(User.objects.create(username="renata"))
    with CaptureQueriesContext(connection) as looking:
        client.get("/look/")
    with CaptureQueriesContext(connection) as recording:
        client.get("/record/")
    assert not [query for query in looking if "auth_user" in query["sql"]]
    assert [query for query in recording if "auth_user" in query["sql"]]


def test_an_append_works_without_a_middleware_that_knows_users(settings: Any) -> None:
    settings.MIDDLEWARE = ["factos_django.middleware.StampMiddleware"]
    assert get("/record/", HEADERS) == get_async("/record-by-dispatch/", HEADERS) == STAMPS


def test_it_writes_no_header() -> None:
    response = Client().get("/look/", headers=HEADERS)
    assert not [name for name in response.headers if name.lower() in {each.lower() for each in HEADERS}]


def test_no_stamp_outlives_its_request_also_of_a_page_that_fails() -> None:
    Client().get("/look/", headers=HEADERS)
    with pytest.raises(RuntimeError, match="the page fails"):
        Client().get("/fail/", headers=HEADERS)
    assert current_stamps() == {}


def test_requests_that_are_served_at_the_same_time_keep_their_own_stamps(settings: Any) -> None:
    settings.MIDDLEWARE = ["factos_django.middleware.StampMiddleware"]

    async def serve() -> list[Any]:
        client = AsyncClient()
        requests = (client.get("/wait/", headers={"X-Request-ID": f"r-{n}"}) for n in range(3))
        return [response.json() for response in await asyncio.gather(*requests)]

    for number, stamps in enumerate(async_to_sync(serve)()):
        own = {"operation_id": f"r-{number}", "correlation_id": f"r-{number}"}
        assert stamps == {"before": own, "after": own}


def test_it_is_asynchronous_where_what_it_wraps_is() -> None:
    assert iscoroutinefunction(StampMiddleware(record_async))
    assert not iscoroutinefunction(StampMiddleware(look))
    assert StampMiddleware.sync_capable
    assert StampMiddleware.async_capable

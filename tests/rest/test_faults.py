"""What clients do wrong is refused at every address alike; what breaks says nothing of itself."""

from __future__ import annotations

import base64
import gzip
import http.client
import logging
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.core.signals import got_request_exception
from django.db import OperationalError, ProgrammingError, connections
from rest_framework.throttling import ScopedRateThrottle

from factos_django.rest_framework import ApiPermissions, urls
from factos_django.rest_framework.raw_json import RawJSONRenderer
from factos_django.store import append
from factos_django.testing.contract import Counted
from tests.rest.addresses import addresses, view_of
from tests.rest.clients import ApiClient
from tests.rest.live import live_server
from tests.stores import Store, on_databases

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"]
PLACES = [pytest.param(place, taken, id=place) for place, taken in addresses()]
POSTED = [pytest.param(place, id=place) for place, taken in addresses() if "POST" in taken]
ROUTES = pytest.mark.parametrize(("place", "taken"), PLACES)
POSTS = pytest.mark.parametrize("place", POSTED)

#: What no answer may hold.
SECRET = "sEcReT"

here = on_databases("default", also=["default"])


def is_problem(answer: Any, status: int) -> bool:
    """Tell whether ``answer`` is a problem of this status, and says so in its body."""
    said = answer.json() if answer.content else {"status": status}
    is_json = answer["Content-Type"] == "application/problem+json"
    return is_json and (answer.status_code, said["status"]) == (status, status)


def basic(name: str, password: str) -> dict[str, str]:
    return {"Authorization": f"Basic {base64.b64encode(f'{name}:{password}'.encode()).decode()}"}


@here
@ROUTES
@pytest.mark.parametrize("method", METHODS)
def test_nobody_gets_anything_without_credentials(
    anybody: ApiClient, place: str, taken: frozenset[str], method: str
) -> None:
    answer = anybody.generic(method, place, b"{}", content_type="application/json")
    is_taken = method in taken or (method == "HEAD" and "GET" in taken)
    assert is_problem(answer, 403 if is_taken else 405)


@here
@ROUTES
def test_a_method_that_an_address_does_not_take_is_refused_by_name(
    api: ApiClient, place: str, taken: frozenset[str]
) -> None:
    refused = set(METHODS) - taken - ({"HEAD"} if "GET" in taken else set())
    for method in refused:
        answer = api.generic(method, place, b"{}", content_type="application/json")
        assert is_problem(answer, 405), method
        assert set(answer["Allow"].split(", ")) >= taken


@here
@ROUTES
def test_nothing_is_kept_that_is_not_said_to_be_kept_and_no_other_site_reads_it(
    api: ApiClient, anybody: ApiClient, place: str, taken: frozenset[str]
) -> None:
    for client in (api, anybody):
        for method in ("GET", "POST", "PUT"):
            answer = client.generic(method, place, b"[", content_type="application/json", headers=FOREIGN)
            assert answer["Cache-Control"] == "no-store" or "immutable" in answer["Cache-Control"]
            assert [name for name in answer.headers if name.startswith("Access-Control")] == []


FOREIGN = {"Origin": "https://elsewhere.example"}


@here
@ROUTES
def test_whoever_accepts_no_such_answer_is_told(api: ApiClient, place: str, taken: frozenset[str]) -> None:
    if place.endswith("/feed/"):
        return  # an EventSource and curl accept different things; it is sent to both
    for method in taken:
        answer = api.generic(
            method, place, b"{}", content_type="application/json", headers={"Accept": "image/png"}
        )
        assert is_problem(answer, 406), method


@here
@POSTS
def test_a_session_needs_its_csrf_token(on_store: Store, place: str) -> None:
    client = ApiClient(enforce_csrf_checks=True)
    client.force_login(User.objects.create_superuser("root"))
    assert is_problem(client.post(place, b"{}", content_type="application/json"), 403)


@here
@POSTS
@pytest.mark.parametrize(
    "kind",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=b",
        "text/json",
        "",
        "x",
    ],
)
@pytest.mark.parametrize("body", [b"{}", b""], ids=["a body", "none"])
def test_only_json_is_taken(api: ApiClient, place: str, kind: str, body: bytes) -> None:
    assert is_problem(api.generic("POST", place, body, content_type=kind), 415)


BODIES = {
    "gzip": (gzip.compress(b"{}"), {"Content-Encoding": "gzip"}, {415}),
    "a bomb": (gzip.compress(b" " * 1_000_000), {"Content-Encoding": "gzip"}, {415}),
    "latin-1": ('{"ä": 1}'.encode("latin-1"), {}, {400}),
    "another charset": (b"{}", {"Content-Type": "application/json; charset=utf-16"}, {415}),
    "a BOM": (b"\xef\xbb\xbf{}", {}, {400}),
    "trailing garbage": (b"{} x", {}, {400}),
    "two values": (b"{}{}", {}, {400}),
    "half of it": (b'{"query": {"all"', {}, {400}),
    "null": (b"null", {}, {400}),
    "a list": (b"[]", {}, {400}),
    "a string": (b'"x"', {}, {400}),
    "a number": (b"1", {}, {400}),
    "unknown members": (b'{"position": 1, "recorded_at": "2026-01-01", "actor": "me"}', {}, {400}),
    "the same key twice": (b'{"a": 1, "a": 2}', {}, {400}),
    "NaN": (b'{"a": NaN}', {}, {400}),
    "no finite number": (b'{"a": 1e999}', {}, {400}),
    "5000 digits": (b'{"a": ' + b"9" * 5000 + b"}", {}, {400}),
    "deep lists": (b"[" * 100_000, {}, {400}),
    "deep objects": (b'{"a":' * 100_000, {}, {400}),
    "NUL": (b'{"a\\u0000": 1}', {}, {400}),
    "a lone surrogate": (b'{"a": "\\ud800"}', {}, {400}),
    "too many bytes": (b'{"a": "' + b"x" * 3_000_000 + b'"}', {}, {413}),
}


@here
@POSTS
@pytest.mark.parametrize("what", BODIES)
def test_a_body_that_is_no_such_json_is_refused(api: ApiClient, place: str, what: str) -> None:
    body, headers, statuses = BODIES[what]
    kind = headers.get("Content-Type", "application/json")
    answer = api.post(place, body, content_type=kind, headers=headers)
    assert answer.status_code in statuses | {404}, answer.content  # what is not there is not there
    assert is_problem(answer, answer.status_code)


@here
@POSTS
def test_no_body_is_no_failure(api: ApiClient, place: str) -> None:
    answer = api.post(place, b"", content_type="application/json")
    assert answer.status_code < 500
    assert answer.status_code < 300 or is_problem(answer, answer.status_code)


@here
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("part", ["abc", "-1", "1.5", "٣", "9" * 5000, "%00", "1%0a", "%F0%9F%98%80", "1e3"])
def test_an_event_that_cannot_be_is_not_there(api: ApiClient, method: str, part: str) -> None:
    answer = api.generic(method, f"/api/events/{part}/")
    assert is_problem(answer, 404 if method in {"GET", "HEAD"} else 405)


@here
def test_a_host_that_is_not_allowed_is_refused(api: ApiClient, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["example.org"]
    for place, _ in addresses():
        assert api.get(place, headers={"Host": "evil.example"}).status_code == 400


@here
def test_wrong_credentials_are_refused_and_basic_says_how_to_log_in(
    anybody: ApiClient, settings: Any
) -> None:
    for place, taken in addresses():
        answer = anybody.generic(min(taken), place, headers=basic("root", "wrong"))
        assert is_problem(answer, 403)
    named = "rest_framework.authentication.BasicAuthentication"
    settings.REST_FRAMEWORK = {"DEFAULT_AUTHENTICATION_CLASSES": [named]}
    for headers in (basic("root", "wrong"), {"Authorization": "Basic ???"}, {}):
        answer = anybody.get("/api/events/", headers=headers)
        assert is_problem(answer, 401)
        assert answer["WWW-Authenticate"].startswith("Basic")


class Broken(ApiPermissions):
    """A project's class with a mistake in it."""

    def may_view_events(self) -> bool:
        raise RuntimeError(f"/srv/{SECRET}/permissions.py")


@contextmanager
def broken_database(using: str, error: Exception) -> Iterator[None]:
    """Let each statement on the log fail."""

    def fail(execute: Any, sql: str, *rest: Any) -> Any:
        if "factos" in sql:
            raise error
        return execute(sql, *rest)

    with connections[using].execute_wrapper(fail):
        yield


@pytest.fixture
def told() -> Iterator[list[Any]]:
    """What ``got_request_exception`` was sent for."""
    heard: list[Any] = []

    def hear(request: Any, **_: Any) -> None:
        heard.append(request.path)

    got_request_exception.connect(hear)
    yield heard
    got_request_exception.disconnect(hear)


@on_databases("default", "postgres", "mariadb", also=["default"])
@pytest.mark.parametrize("debug", [False, True])
def test_what_breaks_is_logged_and_told_and_its_answer_says_nothing_of_it(
    api: ApiClient,
    on_store: Store,
    settings: Any,
    caplog: pytest.LogCaptureFixture,
    told: list[Any],
    debug: bool,
) -> None:
    settings.DEBUG = debug
    query = {"query": {"items": [{"tags": [SECRET]}]}}
    with broken_database(on_store.using, ProgrammingError(f"SELECT {SECRET} FROM factos_event")):
        answers = [api.fetch("events/", tag=SECRET), api.send("events/query/", query)]
    settings.FACTOS_API_PERMISSIONS = "tests.rest.test_faults.Broken"
    answers.append(api.fetch("events/"))
    for answer in answers:
        assert is_problem(answer, 500)
        assert answer.json() == {
            "type": "about:blank",
            "title": "Internal Server Error",
            "status": 500,
            "detail": "Something failed here. It is in the server's log.",
        }
    assert told == ["/api/events/", "/api/events/query/", "/api/events/"]
    logged = [each for each in caplog.records if each.name == "django.request"]
    assert [each.levelno for each in logged] == [logging.ERROR] * 3
    assert [each.exc_info[0] for each in logged if each.exc_info] == [
        ProgrammingError,
        ProgrammingError,
        RuntimeError,
    ]


@on_databases("default", "postgres", "mariadb", also=["default"])
def test_a_database_that_cannot_answer_now_is_asked_again_later(api: ApiClient, on_store: Store) -> None:
    with broken_database(on_store.using, OperationalError(f"server {SECRET} closed the connection")):
        answer = api.fetch("events/")
    assert is_problem(answer, 503)
    assert int(answer["Retry-After"]) >= 1
    assert SECRET not in answer.content.decode()


@on_databases("default", "postgres", "mariadb", also=["default"])
def test_a_page_is_bounded_and_no_transaction_is_open_while_it_is_written(
    api: ApiClient, on_store: Store, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    append([Counted(number) for number in range(5)], using=on_store.using)
    settings.FACTOS_API_MAX_LIMIT = 3
    rendered, is_open = RawJSONRenderer.render, []

    def watch(self: Any, *args: Any, **kwargs: Any) -> bytes:
        is_open.append(any(connections[alias].in_atomic_block for alias in ("default", on_store.using)))
        return rendered(self, *args, **kwargs)

    monkeypatch.setattr(RawJSONRenderer, "render", watch)
    monkeypatch.setitem(connections[on_store.using].settings_dict, "ATOMIC_REQUESTS", True)
    assert len(api.fetch("events/").json()["events"]) == 3
    assert len(api.send("events/query/", {"query": {"all": True}}).json()["events"]) == 3
    assert is_problem(api.fetch("events/", limit="4"), 400)
    assert is_problem(api.send("events/query/", {"query": {"all": True}, "limit": 10**6}), 400)
    assert is_open == [False] * 4


class Slow(ScopedRateThrottle):
    """The project's rates: twice a minute, for those who read."""

    THROTTLE_RATES = {"factos_read": "2/min"}


@here
def test_a_project_throttles_by_our_scopes_and_needs_no_rate_for_each(api: ApiClient, settings: Any) -> None:
    cache.clear()
    settings.REST_FRAMEWORK = {"DEFAULT_THROTTLE_CLASSES": ["tests.rest.test_faults.Slow"]}
    assert [api.fetch("events/").status_code for _ in range(3)] == [200, 200, 429]
    answer = api.fetch("events/")
    assert is_problem(answer, 429)
    assert 0 < int(answer["Retry-After"]) <= 61
    for place, taken in addresses():
        if "GET" not in taken:
            assert api.post(place, b"[", content_type="application/json").status_code < 500
    cache.clear()


def test_every_address_has_a_scope_that_a_project_can_give_a_rate() -> None:
    scopes = {view_of(each).throttle_scope for each in urls.urlpatterns}
    assert all(re.fullmatch(r"factos_[a-z]+", str(scope)) for scope in scopes)


def exchange(address: str, head: dict[str, str], body: bytes, *, hang_up: bool = False) -> int | None:
    """Send a query as it stands, and perhaps hang up then; return the status, None where there is none."""
    at = urlsplit(address)
    with socket.create_connection((str(at.hostname), at.port or 80), timeout=20) as wire:
        lines = [f"POST {at.path}events/query/ HTTP/1.1", f"Host: {at.netloc}", "Connection: close"]
        lines += [f"{name}: {value}" for name, value in head.items()]
        try:
            wire.sendall("\r\n".join([*lines, "", ""]).encode() + body)
            if hang_up:
                wire.shutdown(socket.SHUT_WR)
            answer = http.client.HTTPResponse(wire)
            answer.begin()
        except (http.client.HTTPException, ConnectionError):
            return None
        return answer.status


@here
@pytest.mark.parametrize("interface", ["wsgi", "asgi"])
def test_a_length_that_is_missing_or_wrong_makes_no_server_stumble(on_store: Store, interface: str) -> None:
    User.objects.create_superuser("root", password="secret")
    json_head = {"Content-Type": "application/json", **basic("root", "secret")}
    body = b'{"query": {"all": true}}'
    chunked = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    huge = b"%x\r\n%s\r\n0\r\n\r\n" % (4_000_000, b" " * 4_000_000)
    with live_server(on_store, interface) as (address, _):

        def sent(length: Any, body: bytes = body, *, hang_up: bool = False) -> int | None:
            given = {"Transfer-Encoding": "chunked"} if length is None else {"Content-Length": str(length)}
            return exchange(address, {**json_head, **given}, body, hang_up=hang_up)

        assert sent(len(body)) == 200
        assert sent(None, chunked) == 411
        assert sent(None, huge) in {411, None}
        assert sent(0, b"") == 400
        assert sent(len(body) - 3) == 400
        assert sent(10_000, hang_up=True) in {400, None}
        assert sent("abc") in {400, None}
        assert sent("-5") in {400, None}
        assert sent(4_000_000, b" " * 4_000_000) == 413
        assert sent(len(body)) == 200

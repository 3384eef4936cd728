"""The feed on live servers: nothing lost, nothing twice, and no connection held by who waits or is slow."""

from __future__ import annotations

import http.client
import json
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import User
from django.db import connections, transaction

from factos_django.store import append
from tests.faults.actors import PATIENCE, actors
from tests.parcels.domain import ParcelSent
from tests.rest.event_source import LOGIN, EventSource, Message
from tests.rest.live import live_server
from tests.stores import Store, on_databases

pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")

everywhere = on_databases(also=["default"])
on_servers = on_databases("postgres", "mariadb", also=["default"])
on_sqlite = on_databases("default")

both_interfaces = pytest.mark.parametrize("interface", ["wsgi", "asgi"])

#: Those that look at the head, and those of a moment in which a sign of life is sent.
FEW = 4


@pytest.fixture(autouse=True)
def root(on_store: Store) -> None:
    User.objects.create_superuser("root", password="secret")


@contextmanager
def sources(address: str, number: int) -> Iterator[list[EventSource]]:
    """Clients that have been told where they are, and wait."""
    with ExitStack() as stack:
        made = []
        for _ in range(number):
            source = EventSource(f"{address}events/feed/")
            stack.callback(source.close)
            answer = source.open()
            assert [answer.readline(), answer.readline(), answer.readline()] == [
                b"retry: 1000\n",
                b"id: 0\n",
                b"\n",
            ]
            made.append(source)
        yield made


def open_connections(store: Store) -> int:
    """How many connections others have to the database of the test."""
    with connections[store.using].cursor() as cursor:
        if store.using == "postgres":
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        else:
            cursor.execute(
                "SELECT count(*) FROM information_schema.processlist"
                " WHERE db = database() AND id <> connection_id()"
            )
        return int(cursor.fetchone()[0])


@everywhere
@both_interfaces
def test_nothing_is_lost_or_sent_twice_while_others_append_and_connections_end(
    on_store: Store, interface: str
) -> None:
    def write(number: int) -> Any:
        def appends(pipe: Any) -> None:
            for n in range(15):
                with transaction.atomic(using=on_store.using):
                    append([ParcelSent(f"{number}-{n}", f"buyer-{number}")], using=on_store.using)
                    time.sleep(0.05)  # held open in the middle: positions commit in another order
            pipe.send("done")

        return appends

    with (
        live_server(on_store, interface, FACTOS_FEED_SECONDS=0.3, FACTOS_POLL_SECONDS=0.1) as (address, _),
        actors(*map(write, range(4))) as writers,
    ):
        source = EventSource(f"{address}events/feed/?after=0&type=parcels.Sent")
        seen: list[Message] = []
        while len(seen) < 60:
            with closing(source.one_connection()) as messages:
                for message in messages:
                    seen.append(message)
                    if len(seen) % 15 == 0:
                        break  # the client cuts the connection; elsewhere the server ends the answer
        assert [writer.hear() for writer in writers] == ["done"] * 4
    with connections[on_store.using].cursor() as cursor:
        cursor.execute("SELECT position FROM factos_event ORDER BY position")
        stored = [position for (position,) in cursor.fetchall()]
    assert [message.fact["position"] for message in seen] == stored
    assert [int(message.last_event_id) for message in seen] == stored
    assert {message.event for message in seen} == {"message"}
    assert source.reconnection_time == 1000
    assert source.connections >= 4


@on_servers
@both_interfaces
def test_clients_who_wait_hold_no_connection(on_store: Store, interface: str) -> None:
    before = open_connections(on_store)
    with (
        live_server(on_store, interface, FACTOS_FEED_SECONDS=30) as (address, _),
        sources(address, 20) as waiting,
    ):
        most = 0
        for _ in range(20):
            most = max(most, open_connections(on_store) - before)
            time.sleep(0.05)
        assert most <= FEW
        append([ParcelSent("p1", "ann")], using=on_store.using)
        for source in waiting:
            source.close()


@on_servers
@both_interfaces
def test_lists_that_wait_hold_no_connection(on_store: Store, interface: str) -> None:
    before = open_connections(on_store)
    answers: list[Any] = []
    with live_server(on_store, interface, FACTOS_FEED_SECONDS=30) as (address, _):
        parts = urlsplit(f"{address}events/?wait=20")

        def ask() -> None:
            connection = http.client.HTTPConnection(parts.netloc, timeout=PATIENCE)
            connection.request("GET", f"{parts.path}?{parts.query}", headers=LOGIN)
            answers.append(json.load(connection.getresponse()))
            connection.close()

        threads = [threading.Thread(target=ask) for _ in range(20)]
        for thread in threads:
            thread.start()
        deadline = time.monotonic() + PATIENCE
        while open_connections(on_store) - before > FEW and time.monotonic() < deadline:
            time.sleep(0.05)
        assert open_connections(on_store) - before <= FEW
        assert answers == []
        append([ParcelSent("p1", "ann")], using=on_store.using)
        for thread in threads:
            thread.join(PATIENCE)
    assert [len(answer["events"]) for answer in answers] == [1] * 20


@everywhere
@both_interfaces
def test_who_does_not_read_what_he_is_sent_holds_nothing_and_nobody(on_store: Store, interface: str) -> None:
    large = "x" * 50_000
    for n in range(5):
        append([ParcelSent(f"{n}-{m}", "ann", told=large) for m in range(100)], using=on_store.using)
    before = 0 if on_store.using == "default" else open_connections(on_store)
    with live_server(on_store, interface, FACTOS_FEED_SECONDS=30) as (address, _):
        parts = urlsplit(address)
        with ExitStack() as stack:
            for _ in range(5):
                slow = stack.enter_context(socket.create_connection((parts.hostname, parts.port)))
                lines = ["GET /api/events/feed/?after=0 HTTP/1.1", f"Host: {parts.netloc}"]
                lines.append(f"Authorization: {LOGIN['Authorization']}")
                slow.sendall("\r\n".join([*lines, "", ""]).encode())
            source = EventSource(f"{address}events/feed/?after=0")
            stack.callback(source.close)
            positions = []
            for message in source.one_connection():
                positions.append(message.fact["position"])
                if len(positions) == 500:
                    break
            assert positions == sorted(set(positions))
            if on_store.using != "default":
                assert open_connections(on_store) - before <= FEW


@on_sqlite
@both_interfaces
def test_a_client_who_has_gone_leaves_his_place_to_another(on_store: Store, interface: str) -> None:
    limits = {"FACTOS_FEED_SECONDS": 2, "FACTOS_FEED_MAX_CLIENTS": 1}
    with live_server(on_store, interface, **limits) as (address, _):
        with sources(address, 1):
            refused = EventSource(f"{address}events/feed/")
            answer = refused.open()
            assert (answer.status, answer.headers["Content-Type"]) == (503, "application/problem+json")
            refused.close()
        deadline = time.monotonic() + PATIENCE
        while (again := EventSource(f"{address}events/feed/")).open().status == 503:
            again.close()
            assert time.monotonic() < deadline
            time.sleep(0.1)
        again.close()


@on_sqlite
def test_a_server_under_asgi_ends_when_its_streams_have_ended(on_store: Store) -> None:
    with live_server(on_store, "asgi", FACTOS_FEED_SECONDS=2) as (address, server), sources(address, 3):
        server.send(signal.SIGTERM)
        assert server.end() in {0, -signal.SIGTERM}
        assert "must consume" not in server.output

"""One thread watches the head for everybody who waits in a process."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import OperationalError, connections

from factos_django.store import append, head
from factos_django.workers import head_watch as module
from factos_django.workers.head_watch import HeadWatch, head_watch
from tests.faults.actors import PATIENCE, actor
from tests.parcels.domain import ParcelSent
from tests.stores import Store, on_databases

pytestmark = [
    on_databases(),
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning"),
]


def threads(using: str) -> list[threading.Thread]:
    return [each for each in threading.enumerate() if each.name == f"factos head of {using}"]


@pytest.fixture
def watch(store: Store, settings: Any) -> Iterator[HeadWatch]:
    settings.FACTOS_POLL_SECONDS = 0.1
    made = HeadWatch(store.using)
    yield made
    ended(store.using)


def ended(using: str) -> None:
    """Return when nobody watches any more."""
    for thread in threads(using):
        thread.join(PATIENCE)
    assert threads(using) == []


def one_more(using: str) -> None:
    append([ParcelSent("p1", "ann")], using=using)


def test_a_head_that_is_above_already_ends_the_wait(store: Store, watch: HeadWatch) -> None:
    one_more(store.using)
    assert watch.wait(0, PATIENCE)


def test_who_waits_for_more_than_the_head_waits_for_so_long(store: Store, watch: HeadWatch) -> None:
    one_more(store.using)
    assert not watch.wait(head(store.using), 0.3)


def test_a_head_that_another_process_moves_is_seen(store: Store, watch: HeadWatch) -> None:
    def appends(pipe: Any) -> None:
        pipe.recv()
        one_more(store.using)

    with actor(appends) as other:
        threading.Timer(0.2, other.tell, ["now"]).start()
        assert watch.wait(0, PATIENCE)


def test_a_commit_of_this_process_is_seen_before_it_is_time_to_look(store: Store, settings: Any) -> None:
    settings.FACTOS_POLL_SECONDS = 1000
    watch = head_watch(store.using)
    found: list[bool] = []
    waiting = threading.Thread(target=lambda: found.append(watch.wait(head_before, PATIENCE)))
    head_before = head(store.using)
    waiting.start()
    while not watch._waiters:
        time.sleep(0.01)
    time.sleep(0.1)  # it has looked, and sleeps
    one_more(store.using)
    waiting.join(PATIENCE)
    assert found == [True]
    settings.FACTOS_POLL_SECONDS = 0.1
    watch.wake()
    ended(store.using)


def test_many_who_wait_are_woken_by_one_thread_which_ends_when_they_have_gone(
    store: Store, watch: HeadWatch
) -> None:
    found: list[bool] = []
    waiting = [threading.Thread(target=lambda: found.append(watch.wait(0, PATIENCE))) for _ in range(20)]
    for each in waiting:
        each.start()
    while len(watch._waiters) < 20:
        time.sleep(0.01)
    assert len(threads(store.using)) == 1
    one_more(store.using)
    for each in waiting:
        each.join(PATIENCE)
    assert found == [True] * 20
    assert not watch._waiters
    ended(store.using)
    assert watch.wait(0, PATIENCE)  # and another begins


def test_asyncio_waits_without_a_thread_each_and_can_give_up(store: Store, watch: HeadWatch) -> None:
    async def waits() -> list[bool]:
        given_up = asyncio.ensure_future(watch.wait_async(0, PATIENCE))
        many = [asyncio.ensure_future(watch.wait_async(0, PATIENCE)) for _ in range(20)]
        assert not await watch.wait_async(10**9, 0.1)
        given_up.cancel()
        appended = threading.Thread(target=_in_a_thread, args=[store.using])
        appended.start()
        found = await asyncio.gather(*many)
        appended.join()
        assert given_up.cancelled()
        return found

    assert asyncio.run(waits()) == [True] * 20
    assert not watch._waiters


def _in_a_thread(using: str) -> None:
    try:
        one_more(using)
    finally:
        connections.close_all()


def test_a_log_that_was_emptied_wakes_nobody_for_what_it_held(store: Store, watch: HeadWatch) -> None:
    watch._seen = 10**6
    assert not watch.wait(head(store.using), 0.3)


def test_where_the_head_cannot_be_told_all_look_by_themselves(
    store: Store, watch: HeadWatch, monkeypatch: Any
) -> None:
    def fails(_: str) -> int:
        raise OperationalError("gone")

    monkeypatch.setattr(module, "head", fails)
    assert watch.wait(10**9, PATIENCE)
    monkeypatch.undo()
    assert not watch.wait(10**9, 0.3)


def test_a_forked_process_watches_by_itself(store: Store, settings: Any) -> None:
    settings.FACTOS_POLL_SECONDS = 0.1
    waiting = threading.Thread(target=head_watch(store.using).wait, args=[10**9, 1])
    waiting.start()
    one_more(store.using)

    def waits(pipe: Any) -> None:
        pipe.send((os.getpid(), head_watch(store.using).wait(0, PATIENCE)))

    with actor(waits) as child:
        assert child.hear() == (child.process.pid, True)
    waiting.join()
    ended(store.using)

"""The asynchronous functions, called from a running event loop."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Any, cast

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.db import connections

from factos_django import (
    AppendCondition,
    AppendConditionFailed,
    Decider,
    DomainError,
    InvalidPosition,
    Query,
    QueryItem,
    event_type,
)
from factos_django.dispatch import adispatch, stamp
from factos_django.store import aappend, append, aread, read
from tests.insertions import patched_insertions
from tests.stores import Store, on_databases


@event_type("tests.async.Seen", tags=("subject:{subject}",))
@dataclass(frozen=True)
class Seen:
    subject: str
    number: int = 0


class Enough(DomainError):
    """There are enough."""


def decide(count: int, subject: str) -> list[Seen]:
    if count >= 2:
        raise Enough
    return [Seen(subject, count)]


counting: Decider[str, int, Seen] = Decider(initial=0, decide=decide, evolve=lambda count, _event: count + 1)


def about(subject: str) -> Query:
    return Query.of(QueryItem(types=[Seen], tags=[f"subject:{subject}"]))


def run(function: Callable[..., Awaitable[Any]], **options: Any) -> Any:
    """Run it in an event loop whose work for the database is done in this thread, as Django's tests do."""
    return async_to_sync(function)(**options)


def numbers(store: Store) -> list[int]:
    return [each.event.number for each in read(Query.all(), using=store.using)]


@on_databases()
def test_facts_are_appended_dispatched_and_read(store):
    async def work() -> list[Any]:
        await aappend([Seen("x", 7)], metadata={"actor": "ada"}, using=store.using)
        done = await adispatch("x", decider=counting, query=about, using=store.using)
        assert [each.event for each in done.events] == [Seen("x", 1)]
        return [each async for each in aread(about("x"), using=store.using)]

    first, second = run(work)
    assert (first.event, first.metadata, second.event) == (Seen("x", 7), {"actor": "ada"}, Seen("x", 1))
    assert [first, second] == list(read(Query.all(), using=store.using))


@on_databases()
def test_errors_come_out_as_they_do_without_asyncio(store):
    append([Seen("x"), Seen("x")], using=store.using)

    async def refused(error: type[Exception], work: Awaitable[Any]) -> None:
        with pytest.raises(error):
            await work

    async def work() -> None:
        await refused(Enough, adispatch("x", decider=counting, query=about, using=store.using))
        condition = AppendCondition(about("x"))
        await refused(AppendConditionFailed, aappend([Seen("x")], condition=condition, using=store.using))
        with pytest.raises(InvalidPosition):
            _ = [each async for each in aread(Query.all(), after=-1, using=store.using)]

    run(work)
    assert numbers(store) == [0, 0]


@on_databases()
def test_aread_takes_what_read_takes_and_reads_in_batches(store, settings):
    settings.FACTOS_FOLLOW_BATCH = 3
    recorded = append([Seen("x", number) for number in range(10)], using=store.using)

    async def work(**options: Any) -> list[int]:
        return [each.event.number async for each in aread(Query.all(), using=store.using, **options)]

    assert run(work) == list(range(10))
    assert run(work, after=recorded[3].position, limit=4) == [4, 5, 6, 7]
    assert run(work, limit=4, backwards=True) == [9, 8, 7, 6]
    assert run(work, limit=0) == []


@on_databases()
def test_aread_may_be_left_in_the_middle(store):
    append([Seen("x", number) for number in range(5)], using=store.using)

    async def work() -> int:
        async with aclosing(cast(AsyncGenerator[Any, None], aread(Query.all(), using=store.using))) as events:
            first = await anext(events)
        return int(first.event.number)

    assert run(work) == 0
    assert connections[store.using].get_autocommit()


@on_databases()
def test_a_stamp_goes_with_the_task_to_the_thread_of_the_database(store):
    async def one(actor: str) -> Any:
        with stamp(actor=actor):
            await asyncio.sleep(0)
            [recorded] = await aappend([Seen("x")], using=store.using)
            return recorded.metadata

    async def work() -> Any:
        return await asyncio.gather(one("ada"), one("eve"))

    assert run(work) == [{"actor": "ada"}, {"actor": "eve"}]


@on_databases()
def test_concurrent_tasks_record_each_their_own(store):
    async def work() -> Any:
        tasks = [adispatch(f"s{n}", decider=counting, query=about, using=store.using) for n in range(8)]
        return await asyncio.gather(*tasks)

    assert sorted(done.events[0].event.subject for done in run(work)) == sorted(f"s{n}" for n in range(8))
    assert len(numbers(store)) == 8


class Held:
    """An insert that waits in the middle until it is let go."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.begun, self.go = threading.Event(), threading.Event()
        patched_insertions(monkeypatch, self)

    def __call__(self, insert: Callable[[], Any]) -> Any:
        recorded = insert()
        self.begun.set()
        assert self.go.wait(10)
        return recorded


@on_databases()
@pytest.mark.parametrize("how", ["timeout", "cancel"])
def test_a_task_that_is_cancelled_in_the_middle_of_an_append_leaks_no_transaction(store, how, monkeypatch):
    """A thread cannot be cancelled, so the append ends, and is committed whole; the connection is usable."""
    held = Held(monkeypatch)

    async def cancelled() -> None:
        appending = aappend([Seen("x", 1), Seen("x", 2)], using=store.using)
        if how == "timeout":
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(appending, timeout=0.2)
            return
        task = asyncio.ensure_future(appending)
        while not held.begun.is_set():
            await asyncio.sleep(0.01)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        assert task.cancelled()

    async def work() -> bool:
        loop = asyncio.get_running_loop()
        loop.call_later(0.6, held.go.set)
        await cancelled()
        held.go.set()
        return bool(await sync_to_async(lambda: connections[store.using].in_atomic_block)())

    assert run(work) is False
    assert held.begun.is_set()
    connection = connections[store.using]
    assert (connection.in_atomic_block, connection.needs_rollback, connection.get_autocommit()) == (
        False,
        False,
        True,
    )
    assert numbers(store) == [1, 2]
    [after] = append([Seen("x", 3)], condition=AppendCondition(about("y")), using=store.using)
    assert numbers(store) == [1, 2, 3]
    assert after.position > 0


@on_databases()
def test_a_cancelled_append_that_fails_leaves_nothing(store, monkeypatch):
    begun, go = threading.Event(), threading.Event()

    def failing(insert: Callable[[], Any]) -> Any:
        insert()
        begun.set()
        go.wait(10)
        raise LookupError

    patched_insertions(monkeypatch, failing)

    async def work() -> None:
        asyncio.get_running_loop().call_later(0.4, go.set)
        with pytest.raises((TimeoutError, LookupError)):
            await asyncio.wait_for(aappend([Seen("x", 1)], using=store.using), timeout=0.1)
        await sync_to_async(lambda: None)()

    run(work)
    assert begun.is_set()
    monkeypatch.undo()
    assert numbers(store) == []
    append([Seen("x", 2)], using=store.using)
    assert numbers(store) == [2]

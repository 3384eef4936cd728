"""The messages of a feed as a server takes them: one after the other, in a thread of its own or in asyncio.

The server pulls: a client that is slow keeps one page in memory, and nothing else waits for it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

from asgiref.sync import sync_to_async

from factos_django.rest_framework.feed.connections import give_back_connections
from factos_django.rest_framework.feed.places import Place
from factos_django.rest_framework.feed.subscription import Subscription
from factos_django.workers.head_watch import head_watch

__all__ = ["AsyncStream", "Stream"]


class _Seated:
    """What has a place, and gives it back at its end, when it is closed, or when it is forgotten.

    A generator alone would not do: one that never began runs no ``finally``.
    """

    def __init__(self, place: Place) -> None:
        self._place = place

    def close(self) -> None:
        """Let another client have the place. Django calls it at the end of a response."""
        self._place.give_back()


class Stream(_Seated):
    """For WSGI."""

    def __init__(self, subscription: Subscription, beginning: bytes, place: Place) -> None:
        super().__init__(place)
        self._messages = _messages(subscription, beginning)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            return next(self._messages)
        except BaseException:
            self.close()
            raise


class AsyncStream(_Seated):
    """For ASGI. What reads the database runs in the thread of the request."""

    def __init__(self, subscription: Subscription, beginning: bytes, place: Place) -> None:
        super().__init__(place)
        self._messages = _messages_async(subscription, beginning)

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        try:
            return await anext(self._messages)
        except BaseException:
            self.close()
            raise


def _messages(subscription: Subscription, beginning: bytes) -> Iterator[bytes]:
    give_back_connections()  # those that the request was allowed by, and its session kept by
    yield beginning
    watch = head_watch(subscription.using)
    while not subscription.is_over:
        if told := subscription.go_on():
            yield told
        else:
            watch.wait(subscription.position, subscription.pause)
    yield subscription.end()


async def _messages_async(subscription: Subscription, beginning: bytes) -> AsyncIterator[bytes]:
    await sync_to_async(give_back_connections)()
    yield beginning
    watch = head_watch(subscription.using)
    while not subscription.is_over:
        if told := await sync_to_async(subscription.go_on)():
            yield told
        else:
            await watch.wait_async(subscription.position, subscription.pause)
    yield subscription.end()

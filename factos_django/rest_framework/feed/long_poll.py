"""A page that waits for facts where it would be empty: for clients that cannot stream."""

from __future__ import annotations

import time
from collections.abc import Callable

from factos_django.conf import conf
from factos_django.rest_framework.feed.connections import give_back_connections, reading_briefly
from factos_django.rest_framework.feed.places import PLACES
from factos_django.rest_framework.refusals import InvalidParameter
from factos_django.store.stored import Page
from factos_django.workers.head_watch import head_watch

__all__ = ["waited_page"]


def waited_page(read: Callable[..., Page], after: int, wait: float, using: str) -> Page:
    """Return the page that ``read`` gives, once there are facts on it, or when time is over.

    No connection is held meanwhile.

    Args:
        read: Returns the page of what is above the position ``after``.
        after: Where it begins.
        wait: For how long to wait (seconds); 0 reads once.
        using: The alias of the database.

    Raises:
        InvalidParameter: ``wait`` is no time from 0 to FACTOS_FEED_SECONDS.
        TooManyClients: FACTOS_FEED_MAX_CLIENTS wait already.
    """
    if not 0 <= wait <= conf.FEED_SECONDS:
        raise InvalidParameter(f"Wait for {conf.FEED_SECONDS:g} seconds or less (wait).")
    page = read(after=after)
    return page if page.events or not wait else _waited(read, max(after, page.head), wait, using)


def _waited(read: Callable[..., Page], after: int, wait: float, using: str) -> Page:
    end = time.monotonic() + wait
    place = PLACES.take()
    try:
        give_back_connections()
        while True:
            left = end - time.monotonic()
            moved = left > 0 and head_watch(using).wait(after, left)
            with reading_briefly():
                page = read(after=after)
            if page.events or not moved:
                return page
            after = max(after, page.head)
    finally:
        place.give_back()

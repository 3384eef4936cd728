"""One client of the feed: what was asked for, how far it has come, and what to tell it next."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable

import msgspec
from django.db import Error

from factos_django.conf import conf
from factos_django.core.errors import StoreError
from factos_django.core.query import Query
from factos_django.rest_framework.event_json import event_json
from factos_django.rest_framework.feed.connections import reading_briefly
from factos_django.store.heads import head
from factos_django.store.rows import EventRow
from factos_django.store.stored import stored_page

__all__ = ["Subscription"]

logger = logging.getLogger(__name__)

#: The facts that are read, and kept until the client has taken them (rows).
_PAGE = 100
#: The longest silence (seconds): proxies take a longer one for a connection that is dead.
_LONGEST_SILENCE = 15.0
#: After so long the client connects again (milliseconds).
_RETRY = b"retry: 1000\n"
_CUT_SHORT = b": The database cannot answer now. Connect again.\n\n"


class Subscription:
    """Messages of server-sent events, by the standard of HTML. It lasts for FACTOS_FEED_SECONDS.

    It looks for facts once at least: whoever connects again and again comes on, however slow the machine is.

    Args:
        query: Which facts.
        using: The alias of the database.
        with_data: Whether the client may see the data of facts.
    """

    def __init__(self, query: Query, using: str, *, with_data: bool) -> None:
        self.query, self.using, self.with_data = query, using, with_data
        self.position = 0
        self._told = -1
        self._has_looked = False
        self._end = time.monotonic() + conf.FEED_SECONDS
        self._silence = min(_LONGEST_SILENCE, conf.FEED_SECONDS / 2)
        self._spoke = time.monotonic()

    @property
    def is_over(self) -> bool:
        """Whether the client is to connect again."""
        return self._has_looked and time.monotonic() >= self._end

    @property
    def pause(self) -> float:
        """For how long it may be waited for facts (seconds)."""
        return max(0.0, min(self._end, self._spoke + self._silence) - time.monotonic())

    def begin(self, after: int | None) -> bytes:
        """Return the first message, which says where the client is: after ``after``, or at the head."""
        self.position = head(self.using) if after is None else after
        return _RETRY + self._mark()

    def go_on(self) -> bytes:
        """Return the next facts, else a sign of life where it is time for one, else nothing.

        It reads one page, and holds no connection when it returns. Where the database fails, it is over.
        """
        self._has_looked = True
        try:
            with reading_briefly():
                told = self._facts()
        except (Error, StoreError) as error:
            logger.warning("A feed of %s ends: %s", self.using, error)
            self._end = 0.0
            return _CUT_SHORT
        if told or not self.pause:
            self._spoke = time.monotonic()
        return told or (b"" if self.pause else self._mark())

    def end(self) -> bytes:
        """Return the last message."""
        return _RETRY + self._mark()

    def _facts(self) -> bytes:
        page = stored_page(self.query, after=self.position, limit=_PAGE, using=self.using)
        if page.events:
            self._told = self.position = page.events[-1].position
        if not page.is_cut:
            self.position = max(self.position, page.head)
        return b"".join(self._messages(page.events))

    def _messages(self, rows: Iterable[EventRow]) -> Iterable[bytes]:
        for row in rows:
            data = msgspec.json.encode(event_json(row, self.using, with_data=self.with_data))
            yield b"id: %d\ndata: %s\n\n" % (row.position, data)

    def _mark(self) -> bytes:
        """Return how far the client has come, where it does not know: what matched nothing is not read again.

        A message of an ``id`` alone is no event to the client; it goes on from there when it connects again.
        """
        if self._told == self.position:
            return b":\n\n"
        self._told = self.position
        return b"id: %d\n\n" % self.position

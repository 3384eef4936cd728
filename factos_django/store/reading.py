"""Reading the log, lazily and in bounded memory, never past the stable head."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterator
from dataclasses import replace
from itertools import islice
from typing import Any, ParamSpec, TypeVar

from asgiref.sync import sync_to_async

from factos_django.conf import conf
from factos_django.core.errors import InvalidLimit
from factos_django.core.event import Recorded
from factos_django.core.position import checked_position
from factos_django.core.query import Query
from factos_django.store.database import database_for_writing
from factos_django.store.heads import head
from factos_django.store.matching import Slice, checked_query
from factos_django.store.narrowing import narrowest_first
from factos_django.store.retries import patiently
from factos_django.store.rows import recorded_of, select_matching
from factos_django.store.transactions import explaining

__all__ = ["aread", "read"]

P = ParamSpec("P")
R = TypeVar("R")


def read(
    query: Query,
    *,
    after: int = 0,
    limit: int | None = None,
    backwards: bool = False,
    using: str | None = None,
) -> Iterator[Recorded[Any]]:
    """Yield the events that match ``query``, up to the head of the moment when iteration begins.

    It fetches FACTOS_FOLLOW_BATCH rows at a time and keeps no transaction and no cursor open. It
    does not see what an open append of anybody holds back, your own last one included; ``dispatch``
    returns its events, and ``read_context`` sees everything.

    Args:
        query: Which events.
        after: Only events above this position.
        limit: At most so many events; None for all of them.
        backwards: From the highest position down.
        using: The alias of the database.

    Raises:
        InvalidInput: The arguments are no query, position or limit (at the call, not later).
        DecodeError: History and code disagree about an event (when it is its turn).
        StoreBusy: Another connection keeps the tables for longer than FACTOS_LOCK_TIMEOUT_SECONDS.
    """
    checked_query(query)
    alias = database_for_writing(using)
    part = Slice(after=checked_position(after), limit=checked_limit(limit), backwards=backwards)
    return _events(query, part, alias)


async def aread(
    query: Query,
    *,
    after: int = 0,
    limit: int | None = None,
    backwards: bool = False,
    using: str | None = None,
) -> AsyncGenerator[Recorded[Any], None]:
    """Yield what ``read`` yields, fetching each batch in Django's thread for database work."""
    events = read(query, after=after, limit=limit, backwards=backwards, using=using)
    while batch := await sync_to_async(_next_batch)(events):
        for recorded in batch:
            yield recorded


def checked_limit(limit: object) -> int | None:
    """Return ``limit`` if it is None or a whole number from 0; raise InvalidLimit otherwise."""
    if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int) or limit < 0):
        raise InvalidLimit(limit=limit)
    return limit


def _next_batch(events: Iterator[Recorded[Any]]) -> list[Recorded[Any]]:
    return list(islice(events, conf.FOLLOW_BATCH))


def _events(query: Query, part: Slice, using: str) -> Iterator[Recorded[Any]]:
    wanted = part.limit
    query = _asked(using, narrowest_first, query, using)
    part = replace(part, upto=_asked(using, head, using))
    while wanted is None or wanted > 0:
        size = min(conf.FOLLOW_BATCH, wanted) if wanted is not None else conf.FOLLOW_BATCH
        rows = _asked(using, select_matching, query, replace(part, limit=size), using)
        yield from recorded_of(rows, using)
        if len(rows) < size:
            return
        wanted = None if wanted is None else wanted - size
        part = part.beyond(rows[-1][0])


def _asked(using: str, ask: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Ask the database, and wait for what another connection holds."""

    def once() -> R:
        with explaining(using):
            return ask(*args, **kwargs)

    return patiently(once)

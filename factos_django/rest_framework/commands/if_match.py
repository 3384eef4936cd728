"""``If-Match``: a command counts only if its context is as the client saw it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from factos_django.core.decider import Context
from factos_django.core.query import Query
from factos_django.dispatch import Dispatched
from factos_django.rest_framework.context_etag import etag_of
from factos_django.rest_framework.refusals import Refused

__all__ = ["ContextMoved", "InvalidIfMatch", "etag_after", "if_match"]

_ETAG = re.compile(r'(W/)?("[!#-~\x80-\xff]*")')

_MOVED = "The facts that this depends on are not those that you saw: look again, and decide."


class InvalidIfMatch(Refused):
    """The header is no list of ETags."""

    status_code = 400


class ContextMoved(Refused):
    """The context is not the one that the client saw."""

    status_code = 412


def if_match(header: str) -> Callable[[Context[Any, Any]], None]:
    """Return the check that ``header``, ``*`` or a list of ETags, asks of the context of a decision.

    A weak ETag is that of no context. ``*`` asks for nothing: each query has a context, if an empty one.

    Raises:
        InvalidIfMatch: At once, where the header is neither.
    """
    if header.strip(" \t") == "*":
        return lambda context: None
    if _ETAG.sub("", header).strip(" \t,") or not _ETAG.search(header):
        raise InvalidIfMatch('If-Match takes ETags in their quotes ("..."), joined by commas, or *.')
    wanted = {etag for weak, etag in _ETAG.findall(header) if not weak}

    def check(context: Context[Any, Any]) -> None:
        if etag_of(context.query, context.position) not in wanted:
            raise ContextMoved(_MOVED)

    return check


def etag_after(done: Dispatched[Any], query: Query) -> str | None:
    """Return the ETag of the context of ``query`` once ``done`` is recorded; None where nobody knows it.

    That is where a repeated command had recorded facts, none of which belongs to its own context.
    """
    own = [each.position for each in done.events if query.matches(each)]
    if own:
        return etag_of(query, own[-1])
    if done.context is not None:
        return etag_of(query, done.context.position)
    return None if done.events else etag_of(query, done.position)

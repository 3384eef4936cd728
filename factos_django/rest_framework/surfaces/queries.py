"""``events/query/`` and ``events/context/``: what matches a query, read to follow or to decide."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta
from rest_framework.request import Request
from rest_framework.response import Response

from factos_django.conf import conf
from factos_django.rest_framework.answers import Answer, EventAnswer
from factos_django.rest_framework.bodies import Body, Position, QueryBody, body_of, query_of
from factos_django.rest_framework.context_etag import etag_of
from factos_django.rest_framework.event_json import events_json
from factos_django.rest_framework.limits import Limit, checked_limit
from factos_django.rest_framework.openapi import described
from factos_django.rest_framework.surface import Surface
from factos_django.store.stored import Page, stored_context, stored_page

__all__ = ["ContextAnswer", "ContextRequest", "EventContext", "EventQuery", "QueryPage", "QueryRequest"]


class QueryRequest(Body):
    """Which facts, from where on, and how many."""

    query: QueryBody
    after: Annotated[Position, Meta(description="Above this position.")] = 0
    before: Annotated[Position, Meta(description="Below this position.")] | None = None
    limit: Limit = None
    backwards: Annotated[bool, Meta(description="From the highest position down.")] = False


class QueryPage(Answer):
    """Facts that match, and up to where they are known."""

    events: list[EventAnswer]
    head: Annotated[
        int,
        Meta(
            description=(
                "Above the facts sent nothing matches, up to here: give this, or the highest position sent, "
                "as `after` of a condition. It is the stable head, or the last position sent where the limit "
                "cut the page, or what lies below `before` where that was asked for."
            )
        ),
    ]
    complete: Annotated[
        bool, Meta(description="False where the limit cut the page: go on from the last position.")
    ]


class EventQuery(Surface):
    """A query of the log."""

    allowed_by = {"POST": ("may_view_events",)}
    throttle_scope = "factos_read"

    @described("query_events", body=QueryRequest, answers={200: QueryPage}, problems=(400, 413, 415, 503))
    def post(self, request: Request) -> Response:
        """Return the facts that match a query, up to the stable head."""
        asked = body_of(request, QueryRequest)
        query = query_of(asked.query)
        self.refuse_unreadable(query)
        page = stored_page(
            query,
            after=asked.after,
            before=asked.before,
            limit=checked_limit(asked.limit),
            backwards=asked.backwards,
            using=self.using,
        )
        events = events_json(page.events, self.using, with_data=self.permissions.may_view_event_data())
        return Response({"events": events, "head": _known_up_to(page, asked), "complete": not page.is_cut})


def _known_up_to(page: Page, asked: QueryRequest) -> int:
    """Return up to where nothing matches above the facts of ``page``, so that a condition may rely on it.

    What was cut off a page that is read backwards lies below its facts.
    """
    if page.is_cut and not asked.backwards:
        return page.events[-1].position
    return page.head if asked.before is None else max(0, min(page.head, asked.before - 1))


class ContextRequest(Body):
    """The facts that can change a decision."""

    query: QueryBody
    after: Annotated[
        Position, Meta(description="Only newer ones: up to here the client knows what matches.")
    ] = 0


class ContextAnswer(Answer):
    """All facts that match, at this moment."""

    events: list[EventAnswer]
    after: Annotated[int, Meta(description="Give it as `after` of the condition, with the same query.")]


class EventContext(Surface):
    """What a decision is made from."""

    allowed_by = {"POST": ("may_view_events",)}
    throttle_scope = "factos_read"

    @described(
        "read_context", body=ContextRequest, answers={200: ContextAnswer}, problems=(400, 413, 415, 422, 503)
    )
    def post(self, request: Request) -> Response:
        """Return all facts that match a query, those above the stable head, too.

        It waits for open appends of this context, and for no others. Where there are more facts than
        FACTOS_API_MAX_LIMIT it answers 422: read them by events/query/, and give the head of its last page as
        `after` here. The ETag is that of the context, for If-Match of a command.
        """
        asked = body_of(request, ContextRequest)
        query = query_of(asked.query)
        self.refuse_unreadable(query)
        context = stored_context(query, after=asked.after, limit=conf.API_MAX_LIMIT, using=self.using)
        events = events_json(context.events, self.using, with_data=self.permissions.may_view_event_data())
        headers = {"ETag": etag_of(query, context.last)}
        return Response({"events": events, "after": context.after}, headers=headers)

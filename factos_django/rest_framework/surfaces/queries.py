"""``events/query/`` and ``events/context/``: what matches a query, read to follow or to decide."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta
from rest_framework.request import Request
from rest_framework.response import Response

from factos_django.conf import conf
from factos_django.rest_framework.answers import EventPage
from factos_django.rest_framework.bodies import Body, Position, QueryBody, body_of, query_of
from factos_django.rest_framework.event_json import events_json
from factos_django.rest_framework.openapi import described
from factos_django.rest_framework.surface import Surface
from factos_django.store.stored import stored_page

__all__ = ["EventQuery"]


class QueryRequest(Body):
    """Which facts, from where on, and how many."""

    query: QueryBody
    after: Position = 0
    limit: Annotated[int, Meta(ge=1)] = 100
    backwards: bool = False


class EventQuery(Surface):
    """A query of the log."""

    allowed_by = {"POST": ("may_view_events",)}
    throttle_scope = "factos_read"

    @described("query_events", body=QueryRequest, answers={200: EventPage}, problems=(400, 413, 415, 503))
    def post(self, request: Request) -> Response:
        """Return the facts that match a query, up to the stable head."""
        asked = body_of(request, QueryRequest)
        query = query_of(asked.query)
        self.refuse_unreadable(query)
        page = stored_page(
            query,
            after=asked.after,
            limit=min(asked.limit, conf.API_MAX_LIMIT),
            backwards=asked.backwards,
            using=self.using,
        )
        events = events_json(page.events, self.using, with_data=self.permissions.may_view_event_data())
        return Response({"events": events, "head": page.head})

"""``events/feed/``: facts as they come, as server-sent events."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.utils import OpenApiParameter, extend_schema
from msgspec import Meta
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from factos_django.core.position import LAST_POSITION
from factos_django.core.query import Query
from factos_django.rest_framework.bodies import Position, parameters_of
from factos_django.rest_framework.feed.places import PLACES
from factos_django.rest_framework.feed.streams import AsyncStream, Stream
from factos_django.rest_framework.feed.subscription import Subscription
from factos_django.rest_framework.openapi import described
from factos_django.rest_framework.refusals import InvalidParameter
from factos_django.rest_framework.surface import Surface
from factos_django.rest_framework.surfaces.events import QueryParameters

__all__ = ["EventFeed", "FeedParameters"]

EVENT_STREAM = "text/event-stream"

#: No proxy gathers or packs what is sent: compressed, a fact would wait in a buffer for others.
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no", "Content-Encoding": "identity"}


class FeedParameters(QueryParameters, kw_only=True):
    """Which facts, and from where on."""

    after: Annotated[Position, Meta(description="Above this position; without it, those to come.")] | None = (
        None
    )


class WhateverIsAccepted(DefaultContentNegotiation):
    """Looks at no ``Accept``: the feed is sent as it is, and errors are JSON."""

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """Return the only one."""
        (renderer,) = renderers
        return renderer, renderer.media_type


class EventFeed(Surface):
    """The log, as it grows."""

    allowed_by = {"GET": ("may_view_events",)}
    throttle_scope = "factos_feed"
    content_negotiation_class = WhateverIsAccepted

    @extend_schema(
        parameters=[
            OpenApiParameter(
                "Last-Event-ID",
                {"type": "integer", "minimum": 0, "maximum": LAST_POSITION},
                OpenApiParameter.HEADER,
                description="The position that the client has come to. It goes before ``after``.",
            )
        ]
    )
    @described(
        "feed_events",
        parameters=FeedParameters,
        answers={(200, EVENT_STREAM): {"description": "Messages: an `id` and a fact in JSON as `data`."}},
        problems=(400, 503),
    )
    def get(self, request: Request) -> HttpResponseBase:
        """Send facts as they come, as server-sent events.

        Each message has the position of a fact as its ``id``, and the fact in JSON as its ``data``; it has no
        ``event``, so the ``onmessage`` of a browser's EventSource gets it. An ``id`` alone says how far the
        client has come. The answer ends after a while (FACTOS_FEED_SECONDS), and an EventSource connects
        again by itself; other clients send the last ``id`` as ``Last-Event-ID``, and miss nothing.
        """
        asked = parameters_of(request, FeedParameters)
        query = asked.query()
        self.refuse_unreadable(query)
        after = _last_event_id(request)
        after = asked.after if after is None else after
        if request.method == "HEAD":
            return HttpResponse(content_type=EVENT_STREAM, headers=_HEADERS)
        return self._stream(query, after)

    def _stream(self, query: Query, after: int | None) -> HttpResponseBase:
        place = PLACES.take()
        try:
            with_data = self.permissions.may_view_event_data()
            subscription = Subscription(query, self.using, with_data=with_data)
            beginning = subscription.begin(after)
            kind = AsyncStream if isinstance(self.request._request, ASGIRequest) else Stream
            stream = kind(subscription, beginning, place)
            return StreamingHttpResponse(stream, content_type=EVENT_STREAM, headers=_HEADERS)
        except BaseException:
            place.give_back()
            raise


def _last_event_id(request: Request) -> int | None:
    """Return the position in the header ``Last-Event-ID``, or None; raise InvalidParameter."""
    text = request.headers.get("Last-Event-ID", "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 20 and int(text) <= LAST_POSITION):
        raise InvalidParameter("Last-Event-ID is no position.")
    return int(text)

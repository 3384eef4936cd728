"""``events/``: the log, page by page, and each fact by its position."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from factos_django.conf import conf
from factos_django.core.query import Query, QueryItem
from factos_django.rest_framework.answers import EventAnswer, EventPage
from factos_django.rest_framework.bodies import Body, Position, parameters_of
from factos_django.rest_framework.event_json import event_json, events_json
from factos_django.rest_framework.openapi import described
from factos_django.rest_framework.surface import Surface
from factos_django.store.stored import stored_event, stored_page

__all__ = ["EventDetail", "EventList", "EventParameters"]


class EventParameters(Body, kw_only=True):
    """Which facts, and from where on."""

    type: Annotated[list[str], Meta(description="Any of these types; may stand there several times.")] = []
    tag: Annotated[list[str], Meta(description="All of these tags; may stand there several times.")] = []
    after: Position = 0
    before: Position | None = None
    limit: Annotated[int, Meta(ge=1)] = 100
    order: Literal["oldest", "newest"] = "oldest"


class EventList(Surface):
    """The log."""

    allowed_by = {"GET": ("may_view_events",)}
    throttle_scope = "factos_read"

    @described("list_events", parameters=EventParameters, answers={200: EventPage}, problems=(400, 503))
    def get(self, request: Request) -> Response:
        """List facts, up to the stable head."""
        asked = parameters_of(request, EventParameters)
        query = Query.of(QueryItem(asked.type, asked.tag)) if asked.type or asked.tag else Query.all()
        self.refuse_unreadable(query)
        page = stored_page(
            query,
            after=asked.after,
            before=asked.before,
            limit=min(asked.limit, conf.API_MAX_LIMIT),
            backwards=asked.order == "newest",
            using=self.using,
        )
        events = events_json(page.events, self.using, with_data=self.permissions.may_view_event_data())
        return Response({"events": events, "head": page.head})


class EventDetail(Surface):
    """One fact."""

    allowed_by = {"GET": ("may_view_events",)}
    throttle_scope = "factos_read"

    @described(
        "get_event", path={"position": "Of the fact."}, answers={200: EventAnswer}, problems=(404, 503)
    )
    def get(self, request: Request, position: str) -> Response:
        """Return the fact at a position."""
        row = (
            stored_event(int(position), using=self.using)
            if position.isascii() and position.isdigit()
            else None
        )
        if row is None:
            raise NotFound
        return Response(event_json(row, self.using, with_data=self.permissions.may_view_event_data()))

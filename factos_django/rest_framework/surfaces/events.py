"""``events/``: the log, page by page, and each fact by its position."""

from __future__ import annotations

import re
from functools import partial
from typing import Annotated, Literal

from django.utils.cache import patch_vary_headers
from django.utils.http import parse_etags
from msgspec import Meta
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from factos_django.core.canonical_json import decode_json
from factos_django.core.errors import InvalidInput
from factos_django.core.metadata import CORRELATION_ID
from factos_django.core.position import LAST_POSITION
from factos_django.core.query import Query, QueryItem
from factos_django.rest_framework.answers import EventAnswer, EventPage
from factos_django.rest_framework.bodies import Body, Position, parameters_of
from factos_django.rest_framework.event_json import event_json, events_json
from factos_django.rest_framework.feed.long_poll import waited_page
from factos_django.rest_framework.limits import Limit, checked_limit
from factos_django.rest_framework.moments import MomentText, moment_of
from factos_django.rest_framework.next_page import next_page
from factos_django.rest_framework.openapi import described
from factos_django.rest_framework.surface import Surface
from factos_django.store.rows import EventRow
from factos_django.store.stored import Filters, stored_event, stored_page

__all__ = ["EventDetail", "EventList", "EventListPage", "EventParameters", "QueryParameters"]

_PERIOD = (
    "with its offset, such as 2026-11-24T16:00:00Z. Facts of a server whose clock is more than a minute from "
    "those of the others may be missed."
)


class QueryParameters(Body, kw_only=True):
    """Which facts."""

    type: Annotated[list[str], Meta(description="Any of these types; may stand there several times.")] = []
    tag: Annotated[list[str], Meta(description="All of these tags; may stand there several times.")] = []

    def query(self) -> Query:
        """Return the query of the types and tags; raise InvalidInput."""
        return Query.of(QueryItem(self.type, self.tag)) if self.type or self.tag else Query.all()


class EventParameters(QueryParameters, kw_only=True):
    """Which facts, and from where on."""

    correlation_id: Annotated[str, Meta(description="This string in its metadata.")] | None = None
    after: Annotated[Position, Meta(description="Above this position.")] = 0
    before: Annotated[Position, Meta(description="Below this position.")] | None = None
    recorded_after: Annotated[MomentText, Meta(description=f"Later than this, {_PERIOD}")] | None = None
    recorded_before: Annotated[MomentText, Meta(description=f"Earlier than this, {_PERIOD}")] | None = None
    limit: Limit = None
    order: Literal["oldest", "newest"] = "oldest"
    wait: Annotated[
        float,
        Meta(
            description="Wait so long for facts (seconds), where there are none yet; with the oldest first."
        ),
    ] = 0

    def filters(self) -> Filters:
        """Return what a fact must meet besides; raise InvalidParameter."""
        return Filters(
            {} if self.correlation_id is None else {CORRELATION_ID: self.correlation_id},
            moment_of(self.recorded_after, "recorded_after"),
            moment_of(self.recorded_before, "recorded_before"),
        )


class EventListPage(EventPage):
    """Facts in the order that was asked for, the stable head that they lie below, and where to go on."""

    next: Annotated[str | None, Meta(description="The address of the next page; null on the last one.")]


class EventList(Surface):
    """The log."""

    allowed_by = {"GET": ("may_view_events",)}
    throttle_scope = "factos_read"

    @described("list_events", parameters=EventParameters, answers={200: EventListPage}, problems=(400, 503))
    def get(self, request: Request) -> Response:
        """List facts, up to the stable head. What is not there yet can only appear above it."""
        asked = parameters_of(request, EventParameters)
        query = asked.query()
        self.refuse_unreadable(query)
        is_newest_first = asked.order == "newest"
        read = partial(
            stored_page,
            query,
            before=asked.before,
            limit=checked_limit(asked.limit),
            backwards=is_newest_first,
            filters=asked.filters(),
            using=self.using,
        )
        wait = 0 if is_newest_first else asked.wait
        page = waited_page(read, after=asked.after, wait=wait, using=self.using)
        events = events_json(page.events, self.using, with_data=self.permissions.may_view_event_data())
        onward = {"before" if is_newest_first else "after": page.events[-1].position} if page.is_cut else {}
        following = next_page(request, **onward) if onward else None
        return Response({"events": events, "head": page.head, "next": following})


class EventDetail(Surface):
    """One fact."""

    allowed_by = {"GET": ("may_view_events",)}
    throttle_scope = "factos_read"

    @described(
        "get_event",
        path={"position": "Of the fact."},
        answers={200: EventAnswer, 304: None},
        problems=(404, 503),
    )
    def get(self, request: Request, position: str) -> Response:
        """Return the fact at a position. It never changes: keep it, by its ETag."""
        row = stored_event(_position(position), using=self.using)
        if row is None or not self.is_allowed(lambda user: user.may_read(_narrowest(row))):
            raise NotFound
        with_data = self.permissions.may_view_event_data()
        etag = f'"{row.uuid}-data"' if with_data else f'"{row.uuid}"'
        kept = parse_etags(request.headers.get("If-None-Match", ""))
        is_kept = kept == ["*"] or etag in [each.removeprefix("W/") for each in kept]
        answer = (
            Response(status=304) if is_kept else Response(event_json(row, self.using, with_data=with_data))
        )
        answer.headers["ETag"] = etag
        answer.headers["Cache-Control"] = "private, max-age=31536000, immutable"
        # Who may see it is asked again when somebody else logs in at the same browser.
        patch_vary_headers(answer, ["Authorization", "Cookie"])
        return answer


def _position(text: str) -> int:
    """Return the position that the address names; raise NotFound for what is none."""
    if not re.fullmatch("[1-9][0-9]{0,18}", text) or int(text) > LAST_POSITION:
        raise NotFound
    return int(text)


def _narrowest(row: EventRow) -> Query:
    """Return the narrowest query for the event, or that of everything for one that no query can name."""
    try:
        return Query.of(QueryItem(types=[row.type], tags=decode_json(row.tags)))
    except (InvalidInput, ValueError, TypeError):
        return Query.all()

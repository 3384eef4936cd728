"""``event-types/``: what facts are made of, and how many there are."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import UNSET, Meta, UnsetType
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from factos_django.core.canonical_json import UnstorableData
from factos_django.core.errors import InvalidName
from factos_django.core.event_types import EVENT_TYPES, EventType, type_name
from factos_django.core.query import Query, QueryItem
from factos_django.core.upcasting import upcastable
from factos_django.rest_framework.answers import Answer
from factos_django.rest_framework.bodies import Body, parameters_of
from factos_django.rest_framework.limits import Limit, checked_limit
from factos_django.rest_framework.next_page import next_page
from factos_django.rest_framework.openapi import described
from factos_django.rest_framework.surface import Surface
from factos_django.store.names import count_of_type, types_from

__all__ = ["EventTypeAnswer", "EventTypeDetail", "EventTypeList", "EventTypePage", "EventTypeParameters"]

#: Facts of a type are counted up to here.
_MOST_COUNTED = 10_000


class EventTypeParameters(Body, kw_only=True):
    """From where on."""

    after: Annotated[str, Meta(description="Only names that come after this one.")] = ""
    limit: Limit = None


class EventTypeAnswer(Answer, kw_only=True):
    """A type of facts: one that the server's code knows, or one that only the log does."""

    name: str
    registered: Annotated[bool, Meta(description="Whether the server's code knows it.")]
    version: Annotated[int, Meta(description="The version that is written now.")] | UnsetType = UNSET
    versions: Annotated[list[int], Meta(description="The versions that are read.")] | UnsetType = UNSET
    tags: (
        Annotated[
            list[str] | None,
            Meta(description="Templates of the tags of its facts; null where a function makes them."),
        ]
        | UnsetType
    ) = UNSET
    schema: (
        Annotated[dict[str, Any], Meta(description="The JSON Schema of the data of `version`.")] | UnsetType
    ) = UNSET
    count: (
        Annotated[
            int,
            Meta(
                description=f"How many facts there are, counted up to {_MOST_COUNTED}. Left out where the "
                "user may not read them all."
            ),
        ]
        | UnsetType
    ) = UNSET
    is_more: Annotated[bool, Meta(description="Whether there are more than `count`.")] | UnsetType = UNSET


class EventTypePage(Answer):
    """Types in the order of their names, and where to go on."""

    event_types: list[EventTypeAnswer]
    next: Annotated[str | None, Meta(description="The address of the next page; null on the last one.")]


class EventTypes(Surface):
    """What is told of types."""

    allowed_by = {"GET": ("may_view_events",)}
    throttle_scope = "factos_read"

    def told(self, name: str) -> EventTypeAnswer:
        """Return what is known of the type ``name``."""
        kind = EVENT_TYPES.named(name)
        answer = EventTypeAnswer(name=name, registered=kind is not None)
        if kind is not None:
            answer.version, answer.schema = kind.version, _schema(kind)
            answer.versions = [*upcastable(name, kind.version), kind.version]
            answer.tags = _templates(kind)
        if self.may_read_all(name):
            found = count_of_type(name, _MOST_COUNTED + 1, using=self.using)
            answer.count, answer.is_more = min(found, _MOST_COUNTED), found > _MOST_COUNTED
        return answer

    def may_read_all(self, name: str) -> bool:
        """Tell whether the user may read all facts of the type ``name``, and so how many there are."""
        try:
            query = Query.of(QueryItem(types=[type_name(name)]))
        except InvalidName:  # somebody wrote it into the table
            query = Query.all()
        return self.is_allowed(lambda user: user.may_read(query))


class EventTypeList(EventTypes):
    """All types."""

    @described(
        "list_event_types", parameters=EventTypeParameters, answers={200: EventTypePage}, problems=(400, 503)
    )
    def get(self, request: Request) -> Response:
        """List the types that the server's code knows, and those that only the log does."""
        asked = parameters_of(request, EventTypeParameters)
        limit = checked_limit(asked.limit)
        names, last = self._names(asked.after, limit)
        following = None if last is None else next_page(request, after=last)
        return Response({"event_types": [self.told(name) for name in names], "next": following})

    def _names(self, after: str, limit: int) -> tuple[list[str], str | None]:
        """Return the names of a page, and the one behind which the next page begins, if there is one."""
        names = {kind.name for kind in EVENT_TYPES if kind.name > after}
        found = types_from(after=after, limit=limit + 1, using=self.using)
        names |= {name for name in found if self.may_read_all(name)}
        # Of the log's names no more are known, of which the user may not be told any.
        reached = found[-1] if len(found) > limit else None
        told = sorted(name for name in names if reached is None or name <= reached)
        return told[:limit], told[limit - 1] if len(told) > limit else reached


class EventTypeDetail(EventTypes):
    """One type."""

    @described(
        "get_event_type", path={"name": "Of the type."}, answers={200: EventTypeAnswer}, problems=(404, 503)
    )
    def get(self, request: Request, name: str) -> Response:
        """Return what is known of a type."""
        if EVENT_TYPES.named(name) is None and not self._is_in_log(name):
            raise NotFound
        return Response(self.told(name))

    def _is_in_log(self, name: str) -> bool:
        """Tell whether the log holds facts of a type that no code knows, and the user may know."""
        try:
            type_name(name)
        except InvalidName:
            return False
        return self.may_read_all(name) and count_of_type(name, 1, using=self.using) > 0


def _templates(kind: EventType) -> list[str] | None:
    return None if kind.has_tag_function else [template.text for template in kind.templates]


def _schema(kind: EventType) -> dict[str, Any]:
    """Return the JSON Schema of the data; one that says nothing for a class that has none."""
    try:
        return kind.json_schema()
    except (TypeError, UnstorableData):
        return {}

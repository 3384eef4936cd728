"""``tags/``: the tags that facts carry."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta
from rest_framework.request import Request
from rest_framework.response import Response

from factos_django.rest_framework.answers import Answer
from factos_django.rest_framework.bodies import Body, parameters_of
from factos_django.rest_framework.limits import Limit, checked_limit
from factos_django.rest_framework.next_page import next_page
from factos_django.rest_framework.openapi import described
from factos_django.rest_framework.surface import Surface
from factos_django.store.names import tags_from

__all__ = ["TagList", "TagListPage", "TagParameters"]


class TagParameters(Body, kw_only=True):
    """Which tags, and from where on."""

    prefix: Annotated[str, Meta(description="What they begin with, to the letter.")] = ""
    after: Annotated[str, Meta(description="Only those that come after this one.")] = ""
    limit: Limit = None


class TagListPage(Answer):
    """Tags, each once, in the order of their bytes in UTF-8, and where to go on."""

    tags: list[str]
    next: Annotated[str | None, Meta(description="The address of the next page; null on the last one.")]


class TagList(Surface):
    """The tags of all facts, those above the stable head, too."""

    allowed_by = {"GET": ("may_view_tags",)}
    throttle_scope = "factos_read"

    @described("list_tags", parameters=TagParameters, answers={200: TagListPage}, problems=(400, 503))
    def get(self, request: Request) -> Response:
        """List the tags that begin with some text."""
        asked = parameters_of(request, TagParameters)
        limit = checked_limit(asked.limit)
        tags = tags_from(asked.prefix, after=asked.after, limit=limit + 1, using=self.using)
        following = next_page(request, after=tags[limit - 1]) if len(tags) > limit else None
        return Response({"tags": tags[:limit], "next": following})

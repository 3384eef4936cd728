"""Every address of the log in an admin site, from its own patterns: a new one cannot be forgotten."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.admin.utils import quote
from django.urls import URLPattern

from tests.admin.story import FRANCS, ORDER, Story

__all__ = ["OBJECTS", "addresses", "objects_of", "routes"]

#: Where the pages of each model are.
OBJECTS = ("event", "tag", "projectionstate", "effect")


def routes(site: AdminSite) -> Iterator[tuple[str, str]]:
    """Yield the name and the route of each address of the log in ``site``: ``factos/event/<int:x>/``."""
    for name, route in _walk(site.urls[0], ""):
        if route.startswith("factos/"):
            yield name, route


def addresses(
    site: AdminSite, subjects: dict[str, list[str]], *, prefix: str = "/admin/"
) -> list[tuple[str, str]]:
    """Return the name and the path of each, with each of ``subjects`` (by model) in place of its parts."""
    return [
        (name, prefix + re.sub("<.*?>", subject, route))
        for name, route in routes(site)
        for subject in (_subjects(route, subjects) if "<" in route else [""])
    ]


def objects_of(story: Story) -> dict[str, list[str]]:
    """Return what the pages of each model are about, as their addresses say it."""
    events = [story.opened["gleamconf-2026"], story.sold[ORDER.number], story.paid[FRANCS.number]]
    return {
        "event": [str(each.position) for each in events],
        "tag": [quote(f"event:{ORDER.conference}"), quote(f"buyer:{ORDER.buyer}")],
        "projectionstate": ["boxoffice.takings", "boxoffice.guests", "ticketing.sales"],
        "effect": [str(story.invoice(ORDER).pk)],
    }


def _subjects(route: str, subjects: dict[str, list[str]]) -> list[str]:
    model = route.split("/")[1]
    return subjects.get(model) or [each for some in subjects.values() for each in some]


def _walk(patterns: Iterable[Any], before: str) -> Iterator[tuple[str, str]]:
    for each in patterns:
        route = before + str(each.pattern).lstrip("^")
        if isinstance(each, URLPattern):
            yield each.name or "", route
        else:
            yield from _walk(each.url_patterns, route)

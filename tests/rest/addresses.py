"""Every address of the API, from urls.py: a new one cannot be forgotten."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from factos_django.rest_framework import urls

__all__ = ["PREFIX", "addresses", "template_of", "view_of"]

PREFIX = "/api/"


def view_of(pattern: Any) -> Any:
    """The class that answers there."""
    return pattern.callback.cls


def template_of(pattern: Any) -> str:
    """The address as a description writes it."""
    return PREFIX + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", str(pattern.pattern))


def addresses() -> Iterator[tuple[str, frozenset[str]]]:
    """Each address, with something in place of its parts, and the methods that it takes."""
    for pattern in urls.urlpatterns:
        yield re.sub(r"\{\w+\}", "1", template_of(pattern)), frozenset(view_of(pattern).allowed_by)

"""How an address names what a page is about, whatever that is called."""

from __future__ import annotations

from django.contrib.admin.utils import quote, unquote

__all__ = ["quoted", "unquoted"]

#: No part of a path: browsers take them for directions, even in percents. (Django writes no ``_2E``.)
_DIRECTIONS = {".": "_2E", "..": "_2E_2E"}


def quoted(name: str) -> str:
    """Return ``name`` as a part of a path."""
    return _DIRECTIONS.get(name) or quote(name)


def unquoted(part: str) -> str:
    """Return what a part of a path names."""
    return unquote(part.replace("_2E", "."))

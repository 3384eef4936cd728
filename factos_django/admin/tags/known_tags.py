"""The tags that facts carry, for whoever writes one, in whole or in part."""

from __future__ import annotations

from factos_django.core.errors import InvalidTag
from factos_django.core.tag import checked_tag
from factos_django.store.names import tags_from

__all__ = ["is_known", "tags_beginning"]


def tags_beginning(prefix: str, *, after: str = "", limit: int, using: str) -> list[str]:
    """Return at most ``limit`` tags that begin with ``prefix`` and come after ``after``, in order.

    No tag begins with what no tag may hold, and the database is not asked about it.
    """
    if not all(map(_could_begin_a_tag, (prefix, after))):
        return []
    return tags_from(prefix, after=after, limit=limit, using=using)


def is_known(tag: str, *, using: str) -> bool:
    """Tell whether some fact carries ``tag``, which may be any text."""
    return tags_beginning(tag, limit=1, using=using) == [tag]


def _could_begin_a_tag(text: str) -> bool:
    try:
        return not text or bool(checked_tag(text))
    except InvalidTag:
        return False

"""Which tags stand beside another one."""

from __future__ import annotations

from collections import Counter

from factos_django.core.canonical_json import decode_json
from factos_django.core.query import Query, QueryItem
from factos_django.store.stored import stored_page

__all__ = ["related_tags"]


def related_tags(
    value: str, *, newest: int = 200, limit: int = 20, using: str | None = None
) -> list[tuple[str, int]]:
    """Return the other tags of the newest facts that carry ``value``, and how often each stands there.

    Args:
        value: A tag.
        newest: Only so many of its facts are looked at (rows), from the newest down.
        limit: At most so many (tags), the most frequent first.
        using: The alias of the database.
    """
    query = Query.of(QueryItem(tags=[value]))
    page = stored_page(query, limit=newest, backwards=True, beyond_head=True, using=using)
    counts = Counter(tag for row in page.events for tag in decode_json(row.tags) if tag != value)
    return sorted(counts.items(), key=lambda each: (-each[1], each[0]))[:limit]

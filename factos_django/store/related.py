"""Which tags stand together: what a subject has to do with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress

import msgspec
from django.db import connections

from factos_django.core.query import Query, QueryItem
from factos_django.store.database import database_for_writing
from factos_django.store.filters import Filters
from factos_django.store.heads import highest_position
from factos_django.store.looking import sight
from factos_django.store.matching import Slice

__all__ = ["related_tags"]

_TAGS = msgspec.json.Decoder(tuple[str, ...])
_NO_FILTERS = Filters()


def related_tags(
    value: str, *, newest: int = 200, limit: int = 20, using: str | None = None
) -> list[tuple[str, int]]:
    """Return the other tags of the newest facts that carry the tag ``value``, each with how many carry it.

    The most frequent come first. Facts above the head count, too.

    Args:
        value: The tag.
        newest: Look at so many facts at most.
        limit: Return so many tags at most.
        using: The alias of the database.
    """
    counts: Counter[str] = Counter()
    for tags in _tags_with(value, newest, database_for_writing(using)):
        counts.update(set(tags) - {value, ""})  # that is no tag: somebody edited the row
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:limit]


def _tags_with(value: str, newest: int, using: str) -> Iterator[tuple[str, ...]]:
    part = Slice(upto=highest_position(using), limit=newest, backwards=True)
    sql, parameters = sight(Query.of(QueryItem(tags=[value])), part, _NO_FILTERS, newest, using).positions
    # The limit: see rows.select_found.
    few = f"SELECT position FROM ({sql}) AS found LIMIT %s"
    text = "e.tags::text" if connections[using].vendor == "postgresql" else "e.tags"
    with connections[using].cursor() as cursor:
        source = f"({few}) AS newest JOIN factos_event e ON e.position = newest.position"
        cursor.execute(f"SELECT {text} FROM {source}", [*parameters, newest])
        for (tags,) in cursor.fetchall():
            with suppress(msgspec.MsgspecError):  # somebody edited the row
                yield _TAGS.decode(tags)

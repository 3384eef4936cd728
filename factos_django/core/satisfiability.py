"""Query items that no event can match: a misspelt tag guards nothing, silently."""

from __future__ import annotations

from factos_django.core.event_types import EVENT_TYPES, EventType
from factos_django.core.query import Query, QueryItem

__all__ = ["unsatisfiable_items"]


def unsatisfiable_items(query: Query) -> tuple[QueryItem, ...]:
    """Return the items whose tags no registered type derives.

    It judges by tag templates alone: tags added through ``Proposed(tags=...)`` can satisfy an item
    all the same, and a type whose tags come from a function, or without a class, could have any.
    """
    return tuple(item for item in query.items if item.tags and not _satisfiable(item))


def _satisfiable(item: QueryItem) -> bool:
    types = [EVENT_TYPES.named(name) for name in item.types] or list(EVENT_TYPES)
    return any(each is None or _could_have(each, item.tags) for each in types)


def _could_have(event_type: EventType, tags: tuple[str, ...]) -> bool:
    return all(event_type.could_have_tag(tag) for tag in tags)

"""Facts as they are stored, for tests of queries and of names."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from factos_django import Query
from factos_django.core.event_types import type_of

__all__ = ["Stored", "matched", "stored_as"]


class Stored:
    """A fact as a query sees it."""

    def __init__(self, event: object) -> None:
        self.type = type_of(event).name
        self.tags = type_of(event).tags_of(event)


def matched(query: Query, facts: dict[str, Any]) -> set[str]:
    """The names of those facts that the query matches."""
    return {name for name, fact in facts.items() if query.matches(Stored(fact))}


def stored_as(*facts: Any) -> dict[str, list[str]]:
    """The names of the types of these facts, and of their fields."""
    return {type_of(fact).name: [field.name for field in fields(fact)] for fact in facts}

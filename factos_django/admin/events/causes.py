"""What led to a fact, and what it led to, as metadata say it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from factos_django.admin.facts import shown_events
from factos_django.core.metadata import CAUSATION_ID, CORRELATION_ID, MetadataValue
from factos_django.core.query import Query
from factos_django.models import Event
from factos_django.store.filters import Filters
from factos_django.store.stored import stored_by_id, stored_page

__all__ = ["Causes", "causes_of"]

#: So many facts that it led to are shown on one page (facts).
_MOST_CHILDREN = 20
_MOST_LOOKED_AT = 400


@dataclass(frozen=True, slots=True)
class Causes:
    """Where a fact stands between others.

    Attributes:
        correlation: What its metadata say, of any kind; None for nothing.
        is_correlated: Whether other facts can be found by it.
        causation: What its metadata say.
        parent: The fact with the id that is its causation, if there is one.
        children: Facts the causation of which is its id, in order; those of one page.
        more_after: There are more of them above this position, or may be; None for no more.
    """

    correlation: MetadataValue
    is_correlated: bool
    causation: MetadataValue
    parent: Event | None
    children: list[Event]
    more_after: int | None


def causes_of(event: Event, head: int, using: str, *, with_data: bool, after: int = 0) -> Causes:
    """Return the causes of ``event``, and of what it led to a page that begins above ``after``."""
    metadata: Mapping[str, Any] = event.metadata if isinstance(event.metadata, dict) else {}
    correlation, causation = metadata.get(CORRELATION_ID), metadata.get(CAUSATION_ID)
    cause = _id_of(causation)
    parents = [] if cause is None else stored_by_id([cause], using=using)
    page = stored_page(
        Query.all(),
        filters=Filters(metadata={CAUSATION_ID: str(event.id)}),
        after=after,
        limit=_MOST_CHILDREN,
        beyond_head=True,
        most_looked_at=_MOST_LOOKED_AT,
        using=using,
    )
    last = page.events[-1].position if page.is_cut else page.looked_to
    return Causes(
        correlation=correlation,
        is_correlated=isinstance(correlation, str) and bool(correlation),
        causation=causation,
        parent=next(iter(shown_events(parents, head, using, with_data=with_data)), None),
        children=shown_events(page.events, head, using, with_data=with_data),
        more_after=last,
    )


def _id_of(causation: object) -> UUID | None:
    try:
        return UUID(causation) if isinstance(causation, str) else None
    except ValueError:
        return None

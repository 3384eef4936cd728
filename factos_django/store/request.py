"""What an append asks for, and what came out of a decision."""

from __future__ import annotations

from dataclasses import dataclass

from factos_django.core.query import Query
from factos_django.store.prepared import Prepared

__all__ = ["Decided", "Request"]


@dataclass(frozen=True, slots=True)
class Request:
    """What one append asks for, beside its events.

    Attributes:
        using: The alias of the database.
        query: The context that must not move; None for a blind append.
        key: The idempotency key.
        digest: What the key stands for.
    """

    using: str
    query: Query | None = None
    key: str | None = None
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Decided:
    """What came out of a decision: events, none if there is nothing to do, and what it saw.

    ``decision`` is JSON text that is stored with each event; ``position`` is that of the context; ``rows``
    are the names of the rows that inline projections will write for the events.
    """

    prepared: tuple[Prepared, ...]
    decision: str | None = None
    position: int = 0
    rows: frozenset[str] = frozenset()

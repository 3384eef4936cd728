"""The contract of a backend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Protocol

from factos_django.guards import Claim
from factos_django.store.prepared import Prepared
from factos_django.store.request import Decided, Request
from factos_django.store.rows import Row

__all__ = ["Backend", "Done", "Outcome"]


class Outcome(Enum):
    """What became of an append; the values are what the database's functions say."""

    RECORDED = "recorded"
    CONFLICT = "conflict"
    """Events match the condition, at ``positions``."""
    KNOWN_KEY = "known key"
    """The idempotency key was used before."""
    KNOWN_IDS = "known ids"
    """An event has one of the client's ids."""
    REFUSED = "refused"
    """Another append decides by a tag of the new events; nothing is drawn or written."""


@dataclass(frozen=True, slots=True)
class Done:
    """An outcome with the positions that it is about, ascending."""

    outcome: Outcome
    positions: list[int] = field(default_factory=list)


class Backend(Protocol):
    """The statements of one kind of database. They run under the guard, in the transaction that is open.

    ``append`` and ``context`` take the locks of their claim first, where the guard holds no row that stands
    for all of them. So what they see is current.
    """

    def is_one_statement(self, request: Request, prepared: Sequence[Prepared]) -> bool:
        """Tell whether an append of these events is a single statement, so a transaction by itself."""

    def append(
        self, request: Request, claim: Claim, prepared: Sequence[Prepared], after: int, moment: datetime
    ) -> Done:
        """Record ``prepared``, unless it is a repetition, or an event above ``after`` matches the query."""

    def context(
        self, request: Request, claim: Claim, *, after: int = 0, most: int | None = None
    ) -> list[Row] | None:
        """Return what matches the query, in order; None if the idempotency key was used before.

        That is all of it, or what lies above ``after``, of which the first ``most`` rows.
        """

    def record(self, request: Request, decided: Decided, moment: datetime) -> Done:
        """Record what was decided from the context, unless it is a repetition or must lock more first."""

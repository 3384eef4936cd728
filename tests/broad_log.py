"""A log in which some tags, types and correlations are on many facts, and others on few."""

from __future__ import annotations

from factos_django import Proposed
from factos_django.store import append
from factos_django.testing.contract import Counted, Noted
from tests.rows_read import analyze
from tests.stores import Store

__all__ = ["COUNTED", "EVENTS", "NOTED", "fill"]

#: Its length (facts).
EVENTS = 4000

NOTED, COUNTED = "factos.contract.Noted", "factos.contract.Counted"


def fill(store: Store) -> int:
    """Append facts of one of two broad tags each, most odd ones of a broad correlation; return the last."""
    facts = [
        Proposed(
            Counted(n) if n % (EVENTS // 4) == 0 else Noted(str(n)),
            tags=(f"order:{n % (EVENTS // 10)}", "odd" if n % 2 else "tenant"),
            metadata={
                "correlation_id": "all" if n % 2 and n % 10 != 7 else f"c{n % (EVENTS // 10)}",
                "causation_id": str(n),
            },
        )
        for n in range(EVENTS)
    ]
    last = append(facts, using=store.using)[-1].position
    analyze(store.using)
    return last

"""The log as a client reads it: page by page over HTTP."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from tests.history.tables import Fact, Log
from tests.rest.dcb.connection import Connection

__all__ = ["identity_of", "log_over_http"]

_PAGE = 50


def identity_of(event: Any) -> str:
    """Return what a fact says of itself."""
    return f"{event['data']['mark']}/{event['data']['ordinal']}"


def log_over_http(connection: Connection) -> Log:
    """Return all facts, and the positions under each idempotency key."""
    facts: list[Fact] = []
    keys: dict[str, list[int]] = defaultdict(list)
    position, is_last = 0, False
    while not is_last:
        events = connection.get(f"events/?after={position}&limit={_PAGE}")["events"]
        for event in events:
            facts.append(_fact(event))
            if key := event["metadata"].get("idempotency_key"):
                keys[key].append(event["position"])
        position, is_last = (events[-1]["position"] if events else position), len(events) < _PAGE
    return Log.of(*facts, keys={key: tuple(positions) for key, positions in keys.items()})


def _fact(event: Any) -> Fact:
    tags = frozenset(event["tags"])
    return Fact(event["position"], identity_of(event), event["type"], tags, event["metadata"]["append"])

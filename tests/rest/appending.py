"""Appends by a client of the API, for tests."""

from __future__ import annotations

from typing import Any

from factos_django import Query, Recorded
from factos_django.store import read
from tests.rest.clients import ApiClient
from tests.stores import Store

__all__ = ["ORDER_1", "errors_of", "recorded", "sent"]

#: The query of what ``an_order()`` records, as it is sent.
ORDER_1 = {"items": [{"types": ["rest.Ordered"], "tags": ["order:o1"]}]}


def sent(api: ApiClient, *events: Any, key: str | None = None, **body: Any) -> Any:
    """Append, and return the answer."""
    headers = {} if key is None else {"Idempotency-Key": key}
    return api.send("events/append/", {"events": list(events), **body}, **headers)


def recorded(store: Store) -> list[Recorded[Any]]:
    """What the log holds."""
    return list(read(Query.all(), using=store.using))


def errors_of(answer: Any, status: int) -> list[dict[str, str]]:
    """What a refusal names."""
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json")
    found: list[dict[str, str]] = answer.json()["errors"]
    return found

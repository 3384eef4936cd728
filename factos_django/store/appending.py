"""Appending facts that were decided elsewhere, or need no decision."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from asgiref.sync import sync_to_async

from factos_django.core.condition import AppendCondition
from factos_django.core.errors import InvalidQuery
from factos_django.core.event import Recorded
from factos_django.core.metadata import Metadata, checked_idempotency_key
from factos_django.core.query import Query
from factos_django.store.announcing import telling_refusals
from factos_django.store.database import database_for_writing
from factos_django.store.matching import checked_query
from factos_django.store.prepared import fingerprint, metadata_of_append, prepare
from factos_django.store.recording import record_events
from factos_django.store.request import Request
from factos_django.store.retries import retried

__all__ = ["aappend", "append"]


def append(
    events: Iterable[Any],
    *,
    condition: AppendCondition | None = None,
    metadata: Metadata | None = None,
    idempotency_key: str | None = None,
    using: str | None = None,
) -> tuple[Recorded[Any], ...]:
    """Record ``events``, all or none, in the caller's transaction if one is open.

    Args:
        events: The application's events, or ``Proposed`` around them; 1 to FACTOS_MAX_BATCH.
        condition: Refuse if an event matches that stands after a position; None appends blindly.
        metadata: What is known about the making of all of them, over the stamps in force.
        idempotency_key: A second append under the same key returns what the first recorded.
        using: The alias of the database.

    Returns:
        The events as recorded, in their order, positions ascending with possible gaps. They are
        committed if no transaction was open, else when the caller's commits.

    Raises:
        InvalidInput: In one of its forms, before anything reaches the database.
        AppendConditionFailed: The context moved.
        IdempotencyKeyReused, EventIdReused: A repetition that says something else.
        StoreError: The database cannot do it now, or not like this.
    """
    alias = database_for_writing(using)
    key = None if idempotency_key is None else checked_idempotency_key(idempotency_key)
    prepared = prepare(events, metadata_of_append(metadata, key))
    query = None if condition is None else _query_of(condition)
    digest = fingerprint(prepared) if key is not None else ""
    request = Request(alias, query, key, digest)
    with telling_refusals(alias):
        return retried(lambda: record_events(request, prepared, condition), using=alias).recorded


aappend = sync_to_async(append, thread_sensitive=True)


def _query_of(condition: object) -> Query:
    if not isinstance(condition, AppendCondition):
        raise InvalidQuery(reason=f"condition= takes an AppendCondition, not {type(condition).__name__}")
    return checked_query(condition.fail_if_events_match)

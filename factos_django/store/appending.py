"""Appending facts that were decided elsewhere, or need no decision."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from asgiref.sync import sync_to_async
from django.db import connections

from factos_django.core.condition import AppendCondition, AppendConditionFailed
from factos_django.core.errors import InvalidQuery
from factos_django.core.event import Recorded
from factos_django.core.metadata import Metadata, checked_idempotency_key
from factos_django.core.query import Query
from factos_django.store.database import database_for_writing
from factos_django.store.matching import Slice, checked_query, matching_positions
from factos_django.store.prepared import fingerprint, metadata_of_append, prepare
from factos_django.store.recording import Decided, Request, record
from factos_django.store.retries import retried

__all__ = ["aappend", "append"]

_MOST_CONFLICTS = 100


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
    request = Request(alias, query, key, digest, prepared)

    def decide(query: Query | None) -> Decided:
        if condition is not None and query is not None:
            _check(condition, query, alias)
        return Decided(prepared)

    return retried(lambda: record(request, decide), using=alias).recorded


aappend = sync_to_async(append, thread_sensitive=True)


def _query_of(condition: object) -> Query:
    if not isinstance(condition, AppendCondition):
        raise InvalidQuery(reason=f"condition= takes an AppendCondition, not {type(condition).__name__}")
    return checked_query(condition.fail_if_events_match)


def _check(condition: AppendCondition, query: Query, using: str) -> None:
    """Raise AppendConditionFailed if an event that matches stands after the condition's position."""
    part = Slice(after=condition.after or 0, limit=_MOST_CONFLICTS)
    sql, parameters = matching_positions(query, part)
    with connections[using].cursor() as cursor:
        cursor.execute(
            f"SELECT position FROM ({sql}) AS matching ORDER BY position LIMIT {part.limit}", parameters
        )
        positions = tuple(row[0] for row in cursor.fetchall())
    if positions:
        raise AppendConditionFailed(condition=condition, positions=positions)

"""The store of one database as an object, so that the contract can be run against it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from typing import Any, TypeVar

from django.db import transaction

from factos_django.core.condition import AppendCondition
from factos_django.core.decider import Context, Decider
from factos_django.core.event import Recorded
from factos_django.core.metadata import Metadata
from factos_django.core.query import Query
from factos_django.dispatch import Dispatched, dispatch
from factos_django.store import append, head, read, read_context

__all__ = ["StoreLog"]

Command = TypeVar("Command")
State = TypeVar("State")
Event = TypeVar("Event")


class StoreLog:
    """The functions of the store and of dispatch, bound to the database ``using``."""

    def __init__(self, using: str) -> None:
        self.using = using

    def append(
        self,
        events: Iterable[Any],
        *,
        condition: AppendCondition | None = None,
        metadata: Metadata | None = None,
        idempotency_key: str | None = None,
    ) -> tuple[Recorded[Any], ...]:
        """Call ``append``."""
        return append(
            events, condition=condition, metadata=metadata, idempotency_key=idempotency_key, using=self.using
        )

    def read(
        self, query: Query, *, after: int = 0, limit: int | None = None, backwards: bool = False
    ) -> Iterator[Recorded[Any]]:
        """Call ``read``."""
        return read(query, after=after, limit=limit, backwards=backwards, using=self.using)

    def read_context(self, query: Query, decider: Decider[Any, State, Event]) -> Context[State, Event]:
        """Call ``read_context``."""
        return read_context(query, decider, using=self.using)

    def head(self) -> int:
        """Call ``head``."""
        return head(using=self.using)

    def dispatch(
        self,
        command: Command,
        *,
        decider: Decider[Command, State, Event],
        query: Query | Callable[[Command], Query],
        metadata: Metadata | None = None,
        idempotency_key: str | None = None,
    ) -> Dispatched[Event]:
        """Call ``dispatch``."""
        return dispatch(
            command,
            decider=decider,
            query=query,
            metadata=metadata,
            idempotency_key=idempotency_key,
            using=self.using,
        )

    def atomic(self) -> AbstractContextManager[Any]:
        """Open a transaction, or a savepoint in the one that is open."""
        return transaction.atomic(using=self.using)

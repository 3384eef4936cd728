"""Reading a context: what ``dispatch`` decides from, and what outsiders decide from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from django.db import connections, transaction

from factos_django.core.decider import Context, Decider, evolve_recorded
from factos_django.core.event import Recorded
from factos_django.core.query import Query
from factos_django.guards import Claim, guard_for
from factos_django.store.backends import backend_for
from factos_django.store.database import database_for_writing
from factos_django.store.heads import head
from factos_django.store.matching import checked_query
from factos_django.store.request import Request
from factos_django.store.retries import retried
from factos_django.store.rows import Row, recorded_of
from factos_django.store.transactions import guarded_work, owns_transaction

__all__ = ["context_of", "guarded_rows", "read_context"]

State = TypeVar("State")
Event = TypeVar("Event")


def read_context(
    query: Query, decider: Decider[Any, State, Event], *, using: str | None = None
) -> Context[State, Event]:
    """Return what the log holds for ``query``, folded, to decide from outside of ``dispatch``.

    Unlike ``read`` it sees everything: on PostgreSQL it waits, under its guards, for the open
    appends of its context, gives the guards up again, and is not held back by those of others.
    Append what you decide under ``context.append_condition``.

    Args:
        query: The facts that can change the answer.
        decider: Its ``initial`` and ``evolve`` fold them.
        using: The alias of the database.
    """
    alias = database_for_writing(using)
    rows = guarded_rows(query, alias)
    return context_of(query, tuple(recorded_of(rows, alias)), decider)


def guarded_rows(query: Query, using: str, *, after: int = 0, most: int | None = None) -> list[Row]:
    """Return the rows that match ``query``, in order, read under its guards, which are given up again.

    Args:
        query: Which facts.
        using: The alias of the database.
        after: Only those above this position.
        most: The first ones (rows); None for all of them.
    """
    request = Request(using, checked_query(query))
    return retried(lambda: _rows(request, after, most), using=using)


def context_of(
    query: Query, events: Sequence[Recorded[Event]], decider: Decider[Any, State, Event]
) -> Context[State, Event]:
    """Fold ``events``, all that match ``query``.

    The context is known up to the last fact that it holds: that position is durable, where the last
    one that was drawn can come back after a crash.
    """
    state = evolve_recorded(decider, events)
    return Context(query, state, tuple(events), events[-1].position if events else 0)


def _rows(request: Request, after: int, most: int | None) -> list[Row]:
    if connections[request.using].vendor != "postgresql":
        # Commit order is position order under the log's guard: nothing can appear below the last one.
        head(request.using)  # refuses where reads could be old
        return _locked_rows(request, after, most)
    one_statement = owns_transaction(request.using)  # and then its locks are gone with it
    with guarded_work(request.using, one_statement=one_statement, writes=False):
        rows = _locked_rows(request, after, most)
        if not one_statement:
            transaction.set_rollback(True, using=request.using)  # gives the guards up
        return rows


def _locked_rows(request: Request, after: int, most: int | None) -> list[Row]:
    claim = guard_for(request.using).claim(Claim.of(request.query))
    return backend_for(request.using).context(request, claim, after=after, most=most) or []

"""Reading a context: what ``dispatch`` decides from, and what outsiders decide from."""

from __future__ import annotations

from typing import Any, TypeVar

from django.db import connections, transaction

from factos_django.core.decider import Context, Decider, evolve_recorded
from factos_django.core.query import Query
from factos_django.guards import Claim, guard_for
from factos_django.store.database import database_for_writing
from factos_django.store.heads import head
from factos_django.store.matching import Slice, checked_query
from factos_django.store.narrowing import has_choice, narrowest_first
from factos_django.store.retries import retried
from factos_django.store.rows import recorded_of, select_matching
from factos_django.store.transactions import unit_of_work
from factos_django.store.waits import bound_reads

__all__ = ["fold_context", "read_context"]

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
    checked_query(query)
    return retried(lambda: _context(query, decider, alias), using=alias)


def fold_context(query: Query, decider: Decider[Any, State, Event], using: str) -> Context[State, Event]:
    """Read everything that matches, in one statement, and fold it.

    The context is known up to the last fact that it holds: that position is durable, where the last
    one that was drawn can come back after a crash.
    """
    events = tuple(recorded_of(select_matching(query, Slice(), using), using))
    state = evolve_recorded(decider, events)
    return Context(query, state, events, events[-1].position if events else 0)


def _context(query: Query, decider: Decider[Any, State, Event], using: str) -> Context[State, Event]:
    if connections[using].vendor != "postgresql":
        # Commit order is position order under the log's guard: nothing can appear below the last one.
        head(using)  # refuses where reads could be old
        return fold_context(narrowest_first(query, using), decider, using)
    with unit_of_work(using):  # the rollback gives the lock timeout back, too
        if has_choice(query):
            bound_reads(using)
        narrowed = narrowest_first(query, using)
        guard_for(using).hold(Claim.of(narrowed), using)
        context = fold_context(narrowed, decider, using)
        transaction.set_rollback(
            True, using=using
        )  # gives the guards up, inside the caller's transaction too
    return context

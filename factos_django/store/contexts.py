"""Reading a context: what ``dispatch`` decides from, and what outsiders decide from."""

from __future__ import annotations

from typing import Any, TypeVar

from django.db import connections, transaction

from factos_django.core.decider import Context, Decider, evolve_recorded
from factos_django.core.query import Query
from factos_django.guards import Claim, guard_for
from factos_django.store.database import database_for_writing
from factos_django.store.heads import drawn_position, head
from factos_django.store.matching import Slice, checked_query
from factos_django.store.narrowing import narrowest_first
from factos_django.store.rows import select_matching, to_recorded
from factos_django.store.transactions import unit_of_work

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
    query = narrowest_first(checked_query(query), alias)
    if connections[alias].vendor != "postgresql":
        # Commit order is position order under the log's guard: nothing can appear below the last one.
        position = head(alias)
        return fold_context(query, decider, Slice(upto=position), alias, position)
    with unit_of_work(alias):
        guard_for(alias).hold(Claim.of(query), alias)
        context = fold_context(query, decider, Slice(), alias, drawn_position(alias))
        transaction.set_rollback(
            True, using=alias
        )  # gives the guards up, inside the caller's transaction too
    return context


def fold_context(
    query: Query, decider: Decider[Any, State, Event], part: Slice, using: str, position: int | None = None
) -> Context[State, Event]:
    """Read ``part`` of what matches in one statement and fold it.

    ``position`` is what the context is known up to; by default the last fact that it holds.
    """
    events = tuple(to_recorded(row, using) for row in select_matching(query, part, using))
    last = events[-1].position if events else 0
    state = evolve_recorded(decider, events)
    return Context(query, state, events, last if position is None else position)

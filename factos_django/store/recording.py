"""How facts get into the log: guard, look for a repetition, decide, share, insert.

The shortest path through the app, and the only one to the tables. Every append goes through
``record``; ``append`` and ``dispatch`` differ in what they do between the locks and the insert.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from factos_django.core.event import Recorded
from factos_django.core.query import Query
from factos_django.guards import Claim, Guard, guard_for
from factos_django.store.narrowing import has_choice, narrowest_first
from factos_django.store.prepared import Prepared
from factos_django.store.repetition import Repetition, key_names, recorded_under_ids, recorded_under_key
from factos_django.store.transactions import guarded_work
from factos_django.store.waits import bound_reads
from factos_django.store.writing import insert_events, insert_key

__all__ = ["Decided", "Request", "record"]

#: How often an append starts again with more locks before it asks to be alone (times).
_RESTARTS = 3


@dataclass(frozen=True, slots=True)
class Request:
    """What one append asks for.

    Attributes:
        using: The alias of the database.
        query: The context that must not move; None for a blind append.
        key: The idempotency key.
        digest: What the key stands for.
        prepared: The events, as far as they are known before the decision.
    """

    using: str
    query: Query | None = None
    key: str | None = None
    digest: str = ""
    prepared: tuple[Prepared, ...] = ()


@dataclass(frozen=True, slots=True)
class Decided:
    """What came out of a decision: events, none if there is nothing to do, and what it saw.

    ``decision`` is JSON text that is stored with each event; ``position`` is that of the context.
    """

    prepared: tuple[Prepared, ...]
    decision: str | None = None
    position: int = 0


class _ClaimTooSmall(Exception):
    """The decision names tags or keys that another append holds, or that were not locked."""

    def __init__(self, wider: Claim) -> None:
        self.wider = wider


#: Gets the query of the request, its tags in the order to read by, and runs under the guard.
Decide: TypeAlias = Callable[[Query | None], Decided]


def record(request: Request, decide: Decide) -> Repetition:
    """Return what ``decide``, run under the guard, asked to record, recorded.

    Where new events carry tags that another decision guards, everything is rolled back to where it
    began, and runs again with those tags locked from the start: the claim only grows, and the last
    try asks for the whole log, so it ends.
    """
    guard = guard_for(request.using)
    claim: Claim | None = None
    restarts = 0
    while True:
        try:
            with guarded_work(request.using):
                if guard.locks_tags and claim is None:
                    request = _narrowed(request)
                claim = claim or Claim.of(request.query, key_names(request.key, request.prepared))
                return _recorded(request, guard, claim, decide)
        except _ClaimTooSmall as small:
            restarts += 1
            claim = small.wider if restarts < _RESTARTS else small.wider.of_whole_log()


def _narrowed(request: Request) -> Request:
    if request.query is None or not has_choice(request.query):
        return request
    bound_reads(request.using)
    return replace(request, query=narrowest_first(request.query, request.using))


def _recorded(request: Request, guard: Guard, claim: Claim, decide: Decide) -> Repetition:
    # Locks first; each later statement sees all that was committed before they were given.
    guard.hold(claim, request.using)
    # Before any condition: a repetition would fail on what it recorded itself.
    if request.key is not None and (known := recorded_under_key(request.key, request.digest, request.using)):
        return known
    done = _repeated_or_decided(request, guard, claim, decide)
    if request.key is not None:
        positions = [each.position for each in done.recorded]
        insert_key(request.key, request.digest, positions, done.position, request.using)
    return done


def _repeated_or_decided(request: Request, guard: Guard, claim: Claim, decide: Decide) -> Repetition:
    if known := recorded_under_ids(request.prepared, request.using):
        return known
    # A guard that locks no tags is held first: on SQLite nothing may be read before the write lock.
    decided = decide((request if guard.locks_tags else _narrowed(request)).query)
    if not request.prepared and (known := _repeated_by_decision(request, guard, claim, decided)):
        return known
    recorded = _inserted(request, guard, claim, decided)
    return Repetition(recorded, recorded[-1].position if recorded else decided.position)


def _repeated_by_decision(
    request: Request, guard: Guard, claim: Claim, decided: Decided
) -> Repetition | None:
    """Look for the ids that the decision itself gave, once they are locked."""
    keys = key_names(request.key, decided.prepared)
    if not guard.holds_keys(claim, keys):
        raise _ClaimTooSmall(claim.locking(keys))
    return recorded_under_ids(decided.prepared, request.using)


def _inserted(request: Request, guard: Guard, claim: Claim, decided: Decided) -> tuple[Recorded[Any], ...]:
    if not decided.prepared:
        return ()
    tags = frozenset(tag for each in decided.prepared for tag in each.tags)
    shares = guard.still_to_share(claim, tags)
    wider = claim.sharing(tags)
    if shares and wider.whole_log:
        raise _ClaimTooSmall(wider)
    recorded = insert_events(decided.prepared, decided.decision, shares, request.using)
    if recorded is None:
        raise _ClaimTooSmall(wider)
    return recorded

"""How facts get into the log: guard, look for a repetition, check or decide, insert.

The only path to the tables. What is appended is known beforehand, so that one statement can do it all;
what is decided is known only after the context was read under its locks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, TypeAlias

from factos_django.core.condition import AppendCondition, AppendConditionFailed
from factos_django.core.event import Recorded
from factos_django.guards import Claim, Guard, guard_for
from factos_django.store.announcing import announce
from factos_django.store.backends import Done, Outcome, backend_for
from factos_django.store.participation import Participation
from factos_django.store.prepared import Prepared
from factos_django.store.repetition import Repetition, key_names, recorded_under_ids, recorded_under_key
from factos_django.store.request import Decided, Request
from factos_django.store.rows import recorded_of
from factos_django.store.transactions import guarded_work
from factos_django.store.writing import insert_key

__all__ = ["Decide", "record_decision", "record_events"]

#: How often a decision is made again with more locks before it asks to be alone (times).
_RESTARTS = 3

#: Gets all facts of the context, and runs under the guard.
Decide: TypeAlias = Callable[[tuple[Recorded[Any], ...]], Decided]


class _ClaimTooSmall(Exception):
    """The decision names tags or keys that another append holds, or that were not locked."""

    def __init__(self, wider: Claim) -> None:
        self.wider = wider


def record_events(
    request: Request, prepared: tuple[Prepared, ...], condition: AppendCondition | None
) -> Repetition:
    """Return ``prepared`` as recorded, or as an equal request recorded it; raise AppendConditionFailed."""
    guard, backend, moment = guard_for(request.using), backend_for(request.using), datetime.now(UTC)
    parts = Participation.of(prepared, moment, request.using)
    keys = key_names(request.key, prepared)
    claim = Claim.of(request.query, shares=_tags(prepared), keys=keys, rows=parts.rows)
    by_itself = not (parts or guard.holds_row) and backend.is_one_statement(request, prepared)
    with guarded_work(request.using, one_statement=by_itself):
        guard.hold(request.using)
        after = (condition and condition.after) or 0
        done = backend.append(request, guard.claim(claim), prepared, after, moment)
        if condition is not None and done.outcome is Outcome.CONFLICT:
            raise AppendConditionFailed(condition=condition, positions=tuple(done.positions))
        return _result(done, request, Decided(prepared), parts, moment)


def record_decision(request: Request, decide: Decide) -> Repetition:
    """Return what ``decide`` asked to record, recorded, or what an equal request recorded.

    Where new events carry tags that another decision guards, everything is rolled back to where it
    began, and runs again with those tags locked from the start: the claim only grows, and the last
    try asks for the whole log, so it ends.
    """
    guard = guard_for(request.using)
    claim = Claim.of(request.query, keys=key_names(request.key, ()))
    restarts = 0
    while True:
        try:
            with guarded_work(request.using):
                guard.hold(request.using)
                return _decided(request, guard, claim, decide)
        except _ClaimTooSmall as small:
            restarts += 1
            claim = small.wider if restarts < _RESTARTS else small.wider.of_whole_log()


def _decided(request: Request, guard: Guard, claim: Claim, decide: Decide) -> Repetition:
    backend, held = backend_for(request.using), guard.claim(claim)
    rows = backend.context(request, held)
    if rows is None:
        return recorded_under_key(request.key or "", request.digest, request.using)
    decided = decide(tuple(recorded_of(rows, request.using)))
    if not decided.prepared and request.key is None:
        return Repetition((), decided.position)
    moment = datetime.now(UTC)
    parts = Participation.of(decided.prepared, moment, request.using)
    keys, tags = key_names(None, decided.prepared), _tags(decided.prepared)
    wider = claim.locking(keys).sharing(tags).writing(parts.rows)
    # Keys are locked before anything is read, and more locks than one append takes mean all of them.
    if not held.whole_log and (wider.whole_log or wider.keys != held.keys):
        raise _ClaimTooSmall(wider)
    done = backend.record(request, replace(decided, rows=parts.rows), moment)
    if done.outcome is Outcome.REFUSED:
        raise _ClaimTooSmall(wider)
    return _result(done, request, decided, parts, moment)


def _result(
    done: Done, request: Request, decided: Decided, parts: Participation, moment: datetime
) -> Repetition:
    if done.outcome is Outcome.KNOWN_KEY and request.key is not None:
        return recorded_under_key(request.key, request.digest, request.using)
    if done.outcome is Outcome.KNOWN_IDS:
        return _known_by_ids(request, decided, moment)
    recorded = tuple(
        Recorded(p.event, position, p.id, p.type, p.version, p.tags, dict(p.metadata), moment)
        for p, position in zip(decided.prepared, done.positions, strict=True)
    )
    parts.take_part(recorded, request.using)
    announce(recorded, request.using)
    return Repetition(recorded, recorded[-1].position if recorded else decided.position)


def _known_by_ids(request: Request, decided: Decided, moment: datetime) -> Repetition:
    known = recorded_under_ids(decided.prepared, request.using)
    if request.key is not None:
        positions = [each.position for each in known.recorded]
        insert_key(request.key, request.digest, positions, known.position, moment, request.using)
    return known


def _tags(prepared: Sequence[Prepared]) -> frozenset[str]:
    return frozenset(tag for each in prepared for tag in each.tags)

"""Dispatch: read the context, decide, append, as one guarded step."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from asgiref.sync import sync_to_async

from factos_django.core.canonical_json import UnstorableData, encode_json
from factos_django.core.decider import Context, Decider, decide_context
from factos_django.core.errors import InvalidAppend
from factos_django.core.event import Recorded
from factos_django.core.metadata import Metadata, MetadataValue, checked_idempotency_key
from factos_django.core.query import Query
from factos_django.core.satisfiability import unsatisfiable_items
from factos_django.stamps import stamp
from factos_django.store.announcing import telling_refusals
from factos_django.store.contexts import context_of
from factos_django.store.database import database_for_writing
from factos_django.store.matching import checked_query
from factos_django.store.prepared import metadata_of_append, prepare
from factos_django.store.recording import record_decision
from factos_django.store.request import Decided, Request
from factos_django.store.retries import retried, retrying

__all__ = ["Dispatched", "adispatch", "digest_of", "dispatch", "retrying", "stamp"]

logger = logging.getLogger(__name__)

Command = TypeVar("Command")
State = TypeVar("State")
Event = TypeVar("Event")


@dataclass(frozen=True, slots=True)
class Dispatched(Generic[Event]):
    """What came of a command.

    Attributes:
        events: The facts it added, none if there was nothing to do. Inside the caller's transaction
            they are committed with it.
        position: Of the last fact added, or of the context if none was; give it to ``wait_for``.
        context: What the decision saw; None when an idempotency key told that it was made before.
        attempts: How often the decision was made (times); 0 when it was made before.
    """

    events: tuple[Recorded[Event], ...]
    position: int
    context: Context[Any, Event] | None
    attempts: int


def dispatch(
    command: Command,
    *,
    decider: Decider[Command, State, Event],
    query: Query | Callable[[Command], Query],
    metadata: Metadata | None = None,
    idempotency_key: str | None = None,
    check: Callable[[Context[State, Event]], None] | None = None,
    using: str | None = None,
) -> Dispatched[Event]:
    """Decide ``command`` from the facts that ``query`` names, and append what was decided.

    No fact that matches can appear between the reading and the append (G2). Where no transaction is
    open, it commits its own, and runs it again if the database breaks it off. Inside the caller's it
    works in a savepoint and leaves the retrying to whoever opened the transaction.

    Args:
        command: The application's command, handed to ``query`` and ``decider`` and not stored.
        decider: The pure decision. It may run several times.
        query: The facts that can change the answer, or a function of the command that names them.
        metadata: What is known about the making of the facts, over the stamps in force.
        idempotency_key: A second dispatch of the same command under the same key returns what the
            first recorded, "nothing" included, and decides nothing.
        check: Gets the context that a decision is about to see, under its guard, each time; what it raises
            is raised, and nothing is recorded. Where nothing is decided it is not asked.
        using: The alias of the database.

    Raises:
        DomainError: Whatever the decider raised; nothing is recorded.
        FactosError: As ``append``, but for AppendConditionFailed.
    """
    alias = database_for_writing(using)
    key = None if idempotency_key is None else checked_idempotency_key(idempotency_key)
    asked = checked_query(query(command) if callable(query) else query)
    _warn_of_unsatisfiable(asked)
    stamps = metadata_of_append(metadata, key)
    request = Request(alias, asked, key, digest_of(command, asked) if key is not None else "")
    decisions: list[Context[State, Event]] = []

    def decide(events: tuple[Recorded[Any], ...]) -> Decided:
        context = context_of(asked, events, decider)
        decisions.append(context)
        if check is not None:
            check(context)
        return _decided(context, decide_context(context, command, decider), stamps)

    with telling_refusals(alias):
        done = retried(lambda: record_decision(request, decide), using=alias)
    return Dispatched(done.recorded, done.position, decisions[-1] if decisions else None, len(decisions))


adispatch = sync_to_async(dispatch, thread_sensitive=True)


def _decided(
    context: Context[Any, Any], events: tuple[Any, ...], metadata: dict[str, MetadataValue]
) -> Decided:
    if not events:
        return Decided((), position=context.position)
    saw = {"query": context.query.as_data(), "position": context.position}
    return Decided(prepare(events, metadata), encode_json(saw).decode(), context.position)


def digest_of(command: object, query: Query) -> str:
    """Return what an idempotency key stands for: the command and its query.

    Raises:
        InvalidAppend: The command has no JSON, so nobody could tell whether it is the same one again.
    """
    try:
        text = encode_json([type(command).__qualname__, command, query.as_data()])
    except UnstorableData as error:
        kind = type(command).__qualname__
        reason = f"an idempotency key tells a command by its JSON, and {kind} has none ({error})"
        raise InvalidAppend(reason=reason) from error
    return hashlib.sha256(text).hexdigest()


# By types, not by tags: those name entities, and there is no end of them.
_warned: set[tuple[str, ...]] = set()


def _warn_of_unsatisfiable(query: Query) -> None:
    for item in unsatisfiable_items(query):
        if item.types not in _warned:
            _warned.add(item.types)
            logger.warning("No registered event type derives the tags of %r, so it guards nothing.", item)

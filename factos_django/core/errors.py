"""Everything that factos itself raises, one class a cause.

::

    FactosError
      InvalidInput (also a ValueError)    the caller gave something that no log may hold
        InvalidName, InvalidTag, InvalidMetadata, InvalidQuery, InvalidPosition, InvalidLimit
        InvalidAppend, InvalidBatchSize, InvalidDelivery, InvalidTimeout, EncodeError, NotAnEvent
        TypeNotRegistered
      RegistrationError                   two things under one name, or a thing under a bad one
      AppendConditionFailed               the context moved since it was read (in ``condition``)
      IdempotencyKeyReused, EventIdReused a repetition that says something else
      DecodeError                         history and code disagree
        UnknownEventType
      AppendOnlyViolation                 a fact was to be changed, deleted or made by hand
      ProjectionError                     a projection cannot do this
        UnknownProjection, ProjectionWriteRefused, PositionNotDrawn, RowNotLocked, UnstorableState
        ProjectionStopped, ProjectionBehind, RebuildRunning, RebuildFailed, LeaseLost
        OutdatedWorker, ProjectionElsewhere, NothingToSkip, RebuildNeeded
      EffectError                         an effect cannot be asked for, delivered or steered like this
        ReactorFailed, ReactionFailed, UnknownEffectType, EffectKeyTaken, UnknownReactor
        TransactionLeftOpen
        UnknownEffect, EffectFinished, EffectRunning, ReasonMissing, NoBroker
      StoreError                          the database cannot do it now, or not like this
        StoreBusy, RetryTransaction, OutcomeUnknown, InsideTransaction, ContextTooLarge
        WrongIsolation, StandbyRefused, UnsupportedDatabase, SequenceBehindLog, InvalidSetting

``DomainError`` stands apart: it is the application's, and no failure.
"""

from __future__ import annotations

import inspect
from typing import Any
from uuid import UUID

from factos_django.core.explained import Explained, fields_of

__all__ = [
    "AppendOnlyViolation",
    "BrokerUnavailable",
    "ContextTooLarge",
    "DecodeError",
    "EffectError",
    "EffectFinished",
    "EffectKeyTaken",
    "EffectRunning",
    "EncodeError",
    "EventIdReused",
    "FactosError",
    "IdempotencyKeyReused",
    "InsideTransaction",
    "InvalidAppend",
    "InvalidBatchSize",
    "InvalidDelivery",
    "InvalidInput",
    "InvalidLimit",
    "InvalidMetadata",
    "InvalidName",
    "InvalidPosition",
    "InvalidQuery",
    "InvalidSetting",
    "InvalidTag",
    "InvalidTimeout",
    "LeaseLost",
    "NoBroker",
    "NotAnEvent",
    "NothingToSkip",
    "OutcomeUnknown",
    "OutdatedWorker",
    "PositionNotDrawn",
    "ProjectionBehind",
    "ProjectionElsewhere",
    "ProjectionError",
    "ProjectionStopped",
    "ProjectionWriteRefused",
    "ReactionFailed",
    "ReactorFailed",
    "ReasonMissing",
    "RebuildFailed",
    "RebuildNeeded",
    "RebuildRunning",
    "RegistrationError",
    "RetryTransaction",
    "RowNotLocked",
    "SequenceBehindLog",
    "StandbyRefused",
    "StoreBusy",
    "StoreError",
    "TransactionLeftOpen",
    "TypeNotRegistered",
    "UnknownEffect",
    "UnknownEffectType",
    "UnknownEventType",
    "UnknownProjection",
    "UnknownReactor",
    "UnstorableState",
    "UnsupportedDatabase",
    "WrongIsolation",
]


class FactosError(Explained):
    """Something in factos failed."""

    def __str__(self) -> str:
        template = inspect.cleandoc(self.__doc__ or repr(self))
        return template.format_map(_Shown(fields_of(self))) if self.__doc__ else template


class _Shown(dict[str, Any]):
    """The fields of an error, those that are tuples joined by commas."""

    def __getitem__(self, key: str) -> Any:
        value = super().__getitem__(key)
        return ", ".join(map(str, value)) if isinstance(value, tuple) else value


class InvalidInput(FactosError, ValueError):
    """The input was refused."""


class InvalidName(InvalidInput):
    """{name!r} is no name: use 1 to 100 of A-Z a-z 0-9 . _ : -"""

    name: object


class InvalidTag(InvalidInput):
    """Tag {tag!r} was refused: {reason}."""

    tag: object
    reason: str


class InvalidMetadata(InvalidInput):
    """Metadata {key!r} was refused: {reason}."""

    key: object
    reason: str


class InvalidQuery(InvalidInput):
    """The query was refused: {reason}."""

    reason: str


class InvalidPosition(InvalidInput):
    """{position!r} is no position: use a whole number from 0 to 9223372036854775807."""

    position: object


class InvalidLimit(InvalidInput):
    """{limit!r} is no limit: use a whole number of rows, 0 or more, or None."""

    limit: object


class InvalidTimeout(InvalidInput):
    """{timeout!r} is no timeout: use a number of seconds, 0 or more."""

    timeout: object


class InvalidBatchSize(InvalidInput):
    """{size!r} is no batch size: use a whole number of events, 1 or more."""

    size: object


class InvalidAppend(InvalidInput):
    """The append was refused: {reason}."""

    reason: str


class EncodeError(InvalidInput):
    """{type} cannot be recorded: {reason}."""

    type: str
    reason: str


class InvalidDelivery(InvalidInput):
    """A wish about delivery was refused: {reason}."""

    reason: str


class NotAnEvent(InvalidInput):
    """{cls} is no registered event type: decorate the dataclass with @event_type(name, version=1)."""

    cls: str


class TypeNotRegistered(InvalidInput):
    """No class is registered for event type {type!r}.

    Decorate one with @event_type, import its module in <app>/factos.py, or allow the type by
    FACTOS_API_UNREGISTERED_TYPES.
    """

    type: str


class RegistrationError(FactosError):
    """{what} {name!r} cannot be registered: {reason}."""

    what: str
    name: str
    reason: str


class IdempotencyKeyReused(FactosError):
    """Idempotency key {key!r} was used before, for something else: use a new key for a new request."""

    key: str


class EventIdReused(FactosError):
    """Event id {id} was recorded before, at position {position}, with other content or other companions.

    Give a new event a new id, and repeat an append with all of its events.
    """

    id: UUID
    position: int


class DecodeError(FactosError):
    """{what} {type!r} version {version} at position {position} cannot be read: {reason}."""

    type: str
    version: int
    reason: str
    #: The position in the log, of an effect that of its fact; None where it was decoded outside of a log.
    position: int | None = None
    what: str = "Event"


class UnknownEventType(DecodeError):
    """No class is registered for event {type!r} version {version} (position {position}).

    Decorate one with @event_type, import its module in <app>/factos.py, or allow the type by
    FACTOS_API_UNREGISTERED_TYPES.
    """

    reason: str = "no class is registered under this name"


class AppendOnlyViolation(FactosError):
    """{model}: {operation} is refused. {advice}"""

    model: str
    operation: str
    advice: str


class ProjectionError(FactosError):
    """A projection cannot do this."""


class UnknownProjection(ProjectionError):
    """No projection is registered as {name!r}; those that are: {known}.

    They are registered in <app>/factos.py of an installed app.
    """

    name: str
    known: tuple[str, ...]


class ProjectionWriteRefused(ProjectionError):
    """{operation} of {model} is refused: its rows are computed from facts, and its projection writes them.

    To put rows right: manage.py rebuild_projections NAME, or --tag TAG for those of one entity.
    """

    model: str
    operation: str


class PositionNotDrawn(ProjectionError):
    """A key of an inline row is computed before its fact has a position: use what the event says."""


class RowNotLocked(ProjectionError):
    """Projection {name!r} names other rows for the event at {position} than before it was recorded.

    Its keys must follow from the event alone.
    """

    name: str
    position: int


class UnstorableState(ProjectionError):
    """Projection {projection!r} cannot store {field} = {value!r}: {reason}."""

    projection: str
    field: str
    value: object
    reason: str


class ProjectionStopped(ProjectionError):
    """Projection {name!r} stopped at position {position}: {error}.

    Mend it, then: manage.py factos_projections resume {name} (or skip {name}, to go on without that event).
    """

    name: str
    position: int | None
    error: str


class ProjectionBehind(ProjectionError):
    """Projection {name!r} stands at {reached}, not yet at {position}, after {seconds} s.

    Is manage.py run_projections (or its Celery task) running? manage.py factos_status tells what holds it.
    """

    name: str
    position: int
    reached: int
    seconds: float


class RebuildRunning(ProjectionError):
    """Projection {name!r} is being rebuilt or checked by {worker}, since {since}.

    If that process is dead, its claim ends at {until}.
    """

    name: str
    worker: str
    since: str
    until: str


class RebuildFailed(ProjectionError):
    """Projection {name!r} cannot fold the event at position {position}: {error}.

    Its rows are as they were. Mend the code, or leave that event out, and rebuild again:
    manage.py factos_projections skip {name} --position {position}
    """

    name: str
    position: int
    error: str


class LeaseLost(ProjectionError):
    """Another worker has taken {name!r} over: this one was silent for too long, and has written nothing."""

    name: str


class OutdatedWorker(ProjectionError):
    """The rows of projection {name!r} are of version {stored}, and this process knows version {known} alone.

    It writes nothing. Restart it with the code of today.
    """

    name: str
    stored: int
    known: int


class ProjectionElsewhere(ProjectionError):
    """Projection {name!r} has no table in {using!r}: the project's routers put it elsewhere."""

    name: str
    using: str


class NothingToSkip(ProjectionError):
    """Projection {name!r} has not stopped at an event, or has none there: there is nothing to skip."""

    name: str


class RebuildNeeded(ProjectionError):
    """Projection {name!r} has missed facts, as an inline one does that stopped: it cannot go on from there.

    Mend it, then: manage.py rebuild_projections {name} (which says how to leave an event out)
    """

    name: str


class EffectError(FactosError):
    """Something is wrong with an effect."""


class ReactorFailed(EffectError):
    """Reactor {name!r} failed for a {type!r} about to be recorded, so nothing is recorded: {reason}.

    Recorded without its effects the fact would never have them. A reactor is a pure function: mend it, or
    what it was given.
    """

    name: str
    type: str
    reason: str


class ReactionFailed(EffectError):
    """Reactor {name!r} failed for the fact at position {position}, which is recorded long since: {reason}.

    The effects of facts before it may have been written. Mend the reactor, and let it react again from there.
    """

    name: str
    position: int
    reason: str


class UnknownEffectType(EffectError):
    """{cls} is no effect type: decorate it with @effect_type("name") from factos_django."""

    cls: str


class EffectKeyTaken(EffectError):
    """Reactor {reactor!r} asked twice for {effect!r} under the key {key!r}, for one fact.

    A key tells an effect from the others of its name for the same fact; without keys they are numbered
    from 0.
    """

    reactor: str
    effect: str
    key: str


class TransactionLeftOpen(EffectError):
    """The handler of {effect!r} returned in a transaction of {using!r} that it began, so it was rolled back.

    Use ``with transaction.atomic():``; after set_autocommit(False), commit, and set it back.
    """

    effect: str
    using: str


class UnknownReactor(EffectError):
    """No reactor is registered as {name!r}. Registered are: {known}."""

    name: str
    known: str


class UnknownEffect(EffectError):
    """There is no effect {id} in {using!r}. It may have been pruned."""

    id: int
    using: str


class EffectFinished(EffectError):
    """Effect {id} is {state}, so there is nothing to {action}."""

    id: int
    state: str
    action: str


class EffectRunning(EffectError):
    """Effect {id} is being delivered by {worker}, until {until} or longer, so it cannot be changed now.

    If that worker is dead, its lease ends by itself.
    """

    id: int
    worker: str
    until: str


class ReasonMissing(EffectError):
    """Effect {id} is dropped for a reason only: say why, in words."""

    id: int


class NoBroker(EffectError):
    """No Celery broker is configured in this process, so nothing can be published.

    Set CELERY_BROKER_URL, and import the project's Celery app in its __init__.py.
    """


class BrokerUnavailable(EffectError):
    """The broker takes no messages: {reason}.

    What is due stays in the outbox, and is published once it answers.
    """

    reason: str


class StoreError(FactosError):
    """The store cannot do this."""


class StoreBusy(StoreError):
    """Another append held this context of {using!r} for longer than {seconds} s.

    Nothing was recorded. Try again later, or raise FACTOS_LOCK_TIMEOUT_SECONDS.
    """

    using: str
    seconds: float


class RetryTransaction(StoreError):
    """The database {using!r} broke this transaction off ({reason}): whoever opened it must run it again.

    Wrap that function in @retrying, from factos_django.dispatch.
    """

    using: str
    reason: str


class OutcomeUnknown(StoreError):
    """The connection to {using!r} broke before COMMIT was answered: nobody knows whether it is recorded.

    Ask again with the same idempotency key or the same event ids: a repetition records nothing twice.
    """

    using: str


class ContextTooLarge(StoreError):
    """The context holds more than {limit} facts.

    Read them in pages first (events/query/), and then here what came after the head of the last page.
    """

    limit: int


class InsideTransaction(StoreError):
    """{operation} cannot run inside an open transaction of {using!r}: {advice}."""

    operation: str
    using: str
    advice: str


class WrongIsolation(StoreError):
    """{using!r} runs at isolation {isolation!r}, at which a check can read an old snapshot.

    Use READ COMMITTED for this transaction: drop the isolation level from DATABASES OPTIONS.
    """

    using: str
    isolation: str


class StandbyRefused(StoreError):
    """{using!r} is a standby: it has no advisory locks, so nobody can tell its stable head.

    Read from the server that appends.
    """

    using: str


class UnsupportedDatabase(StoreError):
    """{using!r} runs on {vendor}: factos needs SQLite 3.37, PostgreSQL 14 or MariaDB 10.6, or newer."""

    using: str
    vendor: str


class SequenceBehindLog(StoreError):
    """The sequence of positions on {using!r} stands behind the log, so new events would be out of order.

    Somebody inserted rows with positions of their own. Set the sequence to the highest position:
    SELECT setval('factos_event_position_seq', (SELECT max(position) FROM factos_event))
    """

    using: str


class InvalidSetting(StoreError):
    """{name} = {value!r} was refused: {reason}."""

    name: str
    value: object
    reason: str

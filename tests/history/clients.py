"""What the processes of a run do: many writers with few tags, and followers."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from multiprocessing.sharedctypes import Synchronized
from multiprocessing.synchronize import Event as Flag
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from django.contrib.auth.models import Group
from django.db import InterfaceError, OperationalError, close_old_connections, connections, transaction

from factos_django import (
    AppendCondition,
    AppendConditionFailed,
    Decider,
    DomainError,
    OutcomeUnknown,
    Proposed,
    Query,
    QueryItem,
    Recorded,
    RetryTransaction,
    StoreBusy,
    event_type,
)
from factos_django.dispatch import dispatch
from factos_django.store import append, head, read, read_context
from factos_django.store.backends.copying import COPIED_FROM
from tests.history.operations import NEVER, Append, Asked, Journal, Reading, Transaction, now

__all__ = ["Follower", "Proposal", "RollBack", "Shared", "Writer"]


@event_type("history.Red")
@dataclass(frozen=True, slots=True)
class Red:
    mark: str
    ordinal: int


@event_type("history.Green")
@dataclass(frozen=True, slots=True)
class Green:
    mark: str
    ordinal: int


@event_type("history.Blue")
@dataclass(frozen=True, slots=True)
class Blue:
    mark: str
    ordinal: int


TYPES: dict[str, Any] = {"history.Red": Red, "history.Green": Green, "history.Blue": Blue}
#: Two of them differ by case alone.
HOT_TAGS = ["course:1", "course:2", "student:x", "student:X"]

#: How many appends use a new tag, or a new key, before the next one comes.
USES_OF_A_TAG = 10
USES_OF_A_KEY = 3


class Declined(DomainError):
    """The decider says no."""


class RollBack(Exception):
    """The client gives its transaction up."""


class Cut(RollBack):
    """The connection failed."""


@dataclass(frozen=True, slots=True)
class Shared:
    """Counters of all the processes of a run: tags and keys that several of them use, while they are new."""

    tags: Synchronized[int]
    keys: Synchronized[int]

    def new_tag(self) -> str:
        return f"seat:{_next(self.tags) // USES_OF_A_TAG}"

    def new_key(self) -> str:
        return f"key-{_next(self.keys) // USES_OF_A_KEY}"


def _next(counter: Synchronized[int]) -> int:
    with counter.get_lock():
        counter.value += 1
        return counter.value


@dataclass(frozen=True, slots=True)
class Proposal:
    """What one append is about. Under an idempotency key, or with ids, it is the same whoever asks.

    Attributes:
        batches: What may be recorded; a decider takes one of them by the number of facts it saw.
        salt: With the number of facts, it tells whether the decider declines or has nothing to do;
            below 0, it never does.
        ids: Its facts have ids, made of the mark.
    """

    mark: str
    key: str | None
    form: str
    query: Query
    batches: tuple[tuple[Asked, ...], ...]
    salt: int
    ids: bool = False

    @classmethod
    def drawn(cls, dice: random.Random, mark: str, key: str | None, new_tag: str) -> Proposal:
        """Return a random proposal; about half of its facts carry a tag that is new."""
        form = dice.choices(["blind", "conditional", "dispatched"], [2, 4, 5])[0]
        query = _drawn_query(dice, new_tag)
        batches = tuple(
            tuple(_drawn_fact(dice, query, new_tag) for _ in range(_drawn_size(dice))) for _ in range(2)
        )
        return cls(mark, key, form, query, batches, dice.randrange(100))

    def known_by(self, way: str) -> Proposal:
        """Return what is known again by its ``key``, by its ``ids``, or by ``both``."""
        if way == "key":
            return self
        # The same ids stand for the same facts, whatever was seen.
        batches = (self.batches[0],) * len(self.batches)
        return replace(self, batches=batches, ids=True, key=self.key if way == "both" else None)

    def decide(self, count: int) -> tuple[Asked, ...]:
        """Return what to record after ``count`` facts were seen."""
        if self.salt < 0:
            return self.batches[0]
        if (count + self.salt) % 13 == 0:
            raise Declined
        return () if (count + self.salt) % 13 == 1 else self.batches[count % len(self.batches)]

    def proposed(self, batch: tuple[Asked, ...]) -> list[Proposed[Any]]:
        """Return the batch as the store takes it."""
        return [
            Proposed(
                TYPES[asked.type](self.mark, ordinal),
                id=uuid5(NAMESPACE_OID, f"{self.mark}/{ordinal}") if self.ids else None,
                tags=asked.tags,
            )
            for ordinal, asked in enumerate(batch)
        ]


def _drawn_size(dice: random.Random) -> int:
    """Return the size of a batch: mostly few facts, and now and then so many that PostgreSQL copies them."""
    return COPIED_FROM + dice.randrange(5) if dice.random() < 0.03 else dice.choice([1, 1, 1, 2, 3])


def _drawn_query(dice: random.Random, new_tag: str) -> Query:
    if dice.random() < 0.02:
        return Query.all()
    return Query.of(*(_drawn_item(dice, new_tag) for _ in range(dice.choice([1, 1, 2]))))


def _drawn_item(dice: random.Random, new_tag: str) -> QueryItem:
    types = dice.sample(sorted(TYPES), dice.choice([0, 0, 1, 2]))
    if dice.random() < 0.02:
        return QueryItem(types=types or ["history.Red"])
    tags = [new_tag] if dice.random() < 0.5 else []
    tags += dice.sample(HOT_TAGS, 1 if tags == [] else dice.choice([0, 0, 1, 2]))
    dice.shuffle(tags)
    return QueryItem(types=types, tags=tags)


def _drawn_fact(dice: random.Random, query: Query, new_tag: str) -> Asked:
    """A fact, which mostly belongs to the context that it is decided from."""
    tags = {new_tag} if dice.random() < 0.5 else set()
    if query.items and dice.random() < 0.8:
        tags |= set(dice.choice(query.items).tags)
    tags |= set(dice.sample(HOT_TAGS, dice.choice([0, 1, 1, 2])))
    return Asked(dice.choice(sorted(TYPES)), tuple(sorted(tags)))


def _identity(fact: Any) -> str:
    return f"{fact.mark}/{fact.ordinal}"


class _Reader:
    """The state of a decider is the list of what it was given, the last one first, each beside the rest."""

    def __init__(
        self, proposal: Proposal, intend: Callable[[tuple[Asked, ...]], None] = lambda batch: None
    ) -> None:
        self.proposal = proposal
        self.intend = intend
        self.saw: tuple[str, ...] | None = None
        self.decided: tuple[Asked, ...] = ()
        self.attempts = 0

    @property
    def decider(self) -> Decider[Any, Any, Any]:
        return Decider(initial=None, decide=self._decide, evolve=lambda seen, fact: (_identity(fact), seen))

    def _decide(self, seen: Any, _command: Any) -> list[Proposed[Any]]:
        self.attempts += 1
        self.saw, self.decided = _unfolded(seen), ()
        self.decided = self.proposal.decide(len(self.saw))
        self.intend(self.decided)
        return self.proposal.proposed(self.decided)


def _unfolded(seen: Any) -> tuple[str, ...]:
    identities = []
    while seen is not None:
        identity, seen = seen
        identities.append(identity)
    return tuple(reversed(identities))


class Writer:
    """One process that appends. Everything it does follows from the seed, but for what others do."""

    def __init__(self, number: int, seed: int, using: str, shared: Shared, journal: Journal) -> None:
        self.number = number
        self.using = using
        self.dice = random.Random(f"{seed} {number}")
        self.seed = seed
        self.shared = shared
        self.journal = journal
        self.named = 0

    def work(self, operations: int, until: float) -> None:
        """Do so many things, but none after ``until`` (seconds of the monotonic clock)."""
        for _ in range(operations):
            if time.monotonic() > until:
                return
            if self.dice.random() < 0.65:
                self.append_alone()
            else:
                self.append_together()
            # Without a pause SQLite would let the same process in again and again.
            time.sleep(self.dice.choice([0, 0.001, 0.005, 0.02]))

    def outlast(self, over: Flag) -> None:
        """Append until it is over, however often the server goes away; go on with whatever it takes."""
        while not over.is_set():
            if self.dice.random() < 0.65:
                self._append_until_answered()
            else:
                with suppress(Cut):
                    self.append_together()
            self._leave()
            time.sleep(self.dice.choice([0, 0.001, 0.005, 0.02]))

    def _append_until_answered(self) -> None:
        """Append; ask again and again, under the same key, while the connection fails."""
        proposal = self._proposal()
        while self.append_alone(proposal).outcome in ("cut", "unknown") and proposal.key:
            self._leave()
            time.sleep(0.05)

    def _leave(self) -> None:
        """Give a connection up that has failed, as Django does after each request."""
        if connections[self.using].errors_occurred:
            close_old_connections()

    def work_alone(self, operations: int) -> None:
        """Do so many appends, each in a transaction of its own."""
        for _ in range(operations):
            self.append_alone()

    def append_alone(self, proposal: Proposal | None = None) -> Append:
        """Append in a transaction that the store opens and commits."""
        name = self.new_name("t")
        self._begin(name, None)
        done = self.append(name, proposal or self._proposal())
        kept = {"accepted": "committed", "nothing": "committed", "unknown": "unknown"}
        outcome = kept.get(done.outcome, "rolled back")
        # It began and committed at moments that only the store knows, inside of the call.
        self.journal.write(
            Transaction(name, self.number, done.invoked, done.invoked, done.completed, outcome)
        )
        return done

    def append_together(self) -> None:
        """Append several times in a transaction, hold it open, and commit it or roll it back."""
        appends, held = self.dice.choice([1, 2, 3]), self.dice.choice([0, 0, 0.002, 0.01, 0.02])
        rolled_back = self.dice.random() < 0.35
        with self.transaction() as name:
            for _ in range(appends):
                if self.dice.random() < 0.15:
                    self._append_in_vain(name)
                elif self.append(name, self._proposal()).outcome in ("broken", "unknown", "cut"):
                    raise RollBack
            time.sleep(held)
            if rolled_back:
                raise RollBack

    def _append_in_vain(self, outer: str) -> None:
        with self.transaction(outer) as name:
            done = self.append(name, self._proposal())
            raise RollBack
        if done.outcome in ("broken", "unknown", "cut") or connections[self.using].needs_rollback:
            raise RollBack  # there was no savepoint to go back to, so the whole is

    def _begin(self, name: str, parent: str | None) -> int:
        """Note the transaction before it begins, in case this process is killed; return the moment."""
        begun = now()
        self.journal.write(Transaction(name, self.number, begun, begun, NEVER, "unknown", parent))
        return begun

    @contextmanager
    def transaction(self, parent: str | None = None) -> Iterator[str]:
        """Run the block in a transaction or a savepoint of this name; RollBack gives it up.

        Raises:
            Cut: The connection failed, perhaps during COMMIT.
        """
        name = self.new_name("t")
        begun = self._begin(name, parent)
        committing, outcome = begun, "rolled back"
        try:
            with transaction.atomic(using=self.using):
                try:
                    yield name
                    outcome = "unknown"
                finally:
                    committing = now()
            outcome = "committed"
        except (OperationalError, InterfaceError) as error:
            raise Cut from error
        except RollBack:
            pass
        finally:
            self.journal.write(Transaction(name, self.number, begun, committing, now(), outcome, parent))

    def append(self, transaction: str, proposal: Proposal) -> Append:
        """Do what is proposed, in the transaction that is open, or in one of its own."""
        name = self.new_name("a") if proposal.key or proposal.ids else proposal.mark
        self._intend(name, transaction, proposal, proposal.batches[0])
        if proposal.form == "dispatched":
            done = self._dispatch(name, transaction, proposal)
        else:
            done = self._append_batch(name, transaction, proposal)
        self.journal.write(done)
        return done

    def _intend(self, name: str, transaction: str, proposal: Proposal, batch: tuple[Asked, ...]) -> None:
        """Note an append before it begins, in case this process is killed."""
        self.journal.write(self._done(name, transaction, proposal, now(), outcome="unknown", facts=batch))

    def _proposal(self) -> Proposal:
        if self.dice.random() < 0.2:
            key = self.shared.new_key()
            dice = random.Random(f"{self.seed} {key}")
            proposal = Proposal.drawn(dice, key, key, f"seat:of-{key}")
            return proposal.known_by(dice.choice(["key", "key", "ids", "both"]))
        return Proposal.drawn(self.dice, self.new_name("a"), None, self.shared.new_tag())

    def new_name(self, kind: str) -> str:
        """Return a name that no other operation of the run has."""
        self.named += 1
        return f"{kind}{self.number}-{self.named}"

    def _dispatch(self, name: str, transaction: str, proposal: Proposal) -> Append:
        reader = _Reader(proposal, lambda batch: self._intend(name, transaction, proposal, batch))
        told: dict[str, Any] = {}
        invoked = now()
        try:
            done = dispatch(
                proposal.salt, decider=reader.decider, query=proposal.query, metadata={"append": name},
                idempotency_key=proposal.key, using=self.using,
            )  # fmt: skip
            told = _answer(done.events)
        except Exception as error:
            told = _told(error)
        told |= {"facts": reader.decided, "saw": reader.saw, "attempts": reader.attempts}
        return self._done(name, transaction, proposal, invoked, query=proposal.query.as_data(), **told)

    def _append_batch(self, name: str, transaction: str, proposal: Proposal) -> Append:
        about: dict[str, Any] = {"facts": proposal.batches[0]}
        invoked = now()
        try:
            condition = None
            if proposal.form == "conditional":
                about["query"] = proposal.query.as_data()  # before the reading: it may wait, and be refused
                condition = self._condition(transaction, proposal)
                about["after"] = condition.after
                invoked = now()
            recorded = append(
                proposal.proposed(proposal.batches[0]), condition=condition, metadata={"append": name},
                idempotency_key=proposal.key, using=self.using,
            )  # fmt: skip
            about |= _answer(recorded)
        except Exception as error:
            about |= _told(error)
        return self._done(name, transaction, proposal, invoked, **about)

    def _done(self, name: str, transaction: str, proposal: Proposal, invoked: int, **about: Any) -> Append:
        return Append(
            name=name, mark=proposal.mark, transaction=transaction, form=proposal.form, key=proposal.key,
            ids=proposal.ids, invoked=invoked, completed=now(),
            alone=not connections[self.using].in_atomic_block, **about,
        )  # fmt: skip

    def _condition(self, transaction: str, proposal: Proposal) -> AppendCondition:
        """Read the context in one of the two ways for outsiders, and think for a moment."""
        source = self.dice.choice(["context", "read"])
        invoked = now()
        events, position = self._read(source, proposal)
        seen = tuple((each.position, _identity(each.event)) for each in events)
        known = self._known_transaction(transaction)
        self.journal.write(
            Reading(self.number, source, known, proposal.query.as_data(), 0, invoked, now(), seen, position)
        )
        time.sleep(self.dice.choice([0, 0.001, 0.005, 0.01]))
        return AppendCondition(proposal.query, after=position or None)

    def _read(self, source: str, proposal: Proposal) -> tuple[tuple[Recorded[Any], ...], int]:
        """Return the facts, and the position up to which they are known."""
        if source == "context":
            context = read_context(proposal.query, _Reader(proposal).decider, using=self.using)
            return context.events, context.position
        # Not head(): the head that read() stops at may be a lower one.
        events = tuple(read(proposal.query, using=self.using))
        return events, events[-1].position if events else 0

    def _known_transaction(self, name: str) -> str | None:
        """Return the transaction in which a reading takes place, None where it has one of its own."""
        return name if connections[self.using].in_atomic_block else None


def _answer(recorded: tuple[Recorded[Any], ...]) -> dict[str, Any]:
    """Return what an append was told, in the terms of the history."""
    if not recorded:
        return {"outcome": "nothing"}
    positions = tuple(each.position for each in recorded)
    return {"outcome": "accepted", "positions": positions, "recorder": recorded[0].metadata["append"]}


def _told(error: Exception) -> dict[str, Any]:
    """Return what an error says about an append."""
    match error:
        case AppendConditionFailed():
            return {"outcome": "rejected", "conflicts": error.positions}
        case Declined():
            return {"outcome": "declined"}
        case StoreBusy():
            return {"outcome": "busy"}
        case RetryTransaction():
            return {"outcome": "broken"}
        case OutcomeUnknown():
            return {"outcome": "unknown"}
        case OperationalError() | InterfaceError():
            return {"outcome": "cut", "error": repr(error)}
        case _:
            return {"outcome": "failed", "error": repr(error)}


class Follower:
    """One process that reads on from its checkpoint until the writers have ended, and then to the end.

    One that ``keeps`` its checkpoint writes it to the database before it goes on from there.
    """

    def __init__(
        self, number: int, seed: int, using: str, query: Query, journal: Journal, *, keeps: bool = False
    ) -> None:
        self.keeps = keeps
        self.number = number
        self.using = using
        self.dice = random.Random(f"{seed} {number}")
        self.query = query
        self.journal = journal
        self.checkpoint = 0

    def work(self, ended: Flag) -> None:
        """Follow."""
        while not ended.is_set():
            self._step()
            time.sleep(self.dice.choice([0, 0.001, 0.005]))
        self._read_on(None)

    def outlast(self, ended: Flag) -> None:
        """Do the same, however often the server goes away."""
        while not ended.is_set():
            before = self.checkpoint
            try:
                self._step()
            except (OperationalError, InterfaceError):
                self.checkpoint = before
                connections[self.using].close()
            time.sleep(self.dice.choice([0, 0.001, 0.005]))
        self._read_on(None)

    def _step(self) -> None:
        if self.dice.random() < 0.3:
            self.read_to_head()
        else:
            self._read_on(self.dice.choice([None, None, 1, 3, 50]))

    def read_to_head(self) -> None:
        """Take the head first, and all that it claims to be there: the next reading begins at the head."""
        invoked, after = now(), self.checkpoint
        self.checkpoint = max(after, head(self.using))
        events = list(read(self.query, after=after, using=self.using))
        self._note(invoked, after, [each for each in events if each.position <= self.checkpoint])

    def _read_on(self, limit: int | None) -> None:
        invoked, after = now(), self.checkpoint
        events = list(read(self.query, after=after, limit=limit, using=self.using))
        self.checkpoint = events[-1].position if events else after
        self._note(invoked, after, events, limited=limit is not None)

    def _note(self, invoked: int, after: int, events: list[Recorded[Any]], *, limited: bool = False) -> None:
        if self.keeps:
            # Its checkpoint is a row of the same database, which is flushed with what it saw or later.
            Group.objects.using(self.using).create(name=f"{self.number}: {self.checkpoint} at {invoked}")
        seen = tuple((each.position, _identity(each.event)) for each in events)
        self.journal.write(
            Reading(
                self.number, "follow", None, self.query.as_data(), after, invoked, now(), seen,
                self.checkpoint, limited,
            )
        )  # fmt: skip

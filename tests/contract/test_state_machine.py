"""A log in memory and a real store, kept in step over random histories."""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid5

import hypothesis
from django.core.management import call_command
from hypothesis import strategies
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from factos_django import (
    AppendCondition,
    Decider,
    DomainError,
    FactosError,
    Proposed,
    Query,
    QueryItem,
    Recorded,
)
from factos_django.testing import InMemoryLog, Log, StoreLog
from factos_django.testing.contract import Counted, Noted
from tests.stores import Store, on_databases


class Refused(DomainError):
    """There is no more."""

    seen: int


class Undone(Exception):
    """The block is to be rolled back."""


@dataclass(frozen=True)
class Take:
    """Propose these while fewer than ``limit`` facts were seen; nothing if there are none."""

    proposals: tuple[Proposed[Any], ...]
    limit: int


def decide(seen: int, command: Take) -> tuple[Proposed[Any], ...]:
    if seen >= command.limit:
        raise Refused(seen=seen)
    return command.proposals


counting: Decider[Take, int, Any] = Decider(initial=0, decide=decide, evolve=lambda seen, _event: seen + 1)

NAMESPACE = UUID("8a0f6c3e-0000-4000-8000-000000000000")
KEYS = strategies.none() | strategies.sampled_from(["k", "K", "k "])
IDS = strategies.none() | strategies.integers(0, 3).map(lambda n: uuid5(NAMESPACE, str(n)))
TAGS = strategies.lists(strategies.sampled_from(["a", "A", "b", "b ", "ü"]), max_size=3, unique=True)
NOTES = strategies.builds(
    Noted, strategies.sampled_from(["", "x"]), strategies.sampled_from([None, 1e22, [1, {}]])
)
EVENTS = strategies.one_of(NOTES, strategies.builds(Counted, strategies.integers(0, 1)))
PROPOSALS = strategies.builds(
    lambda event, id, tags: Proposed(event, id=id, tags=tuple(tags)), EVENTS, IDS, TAGS
)
BATCHES = strategies.lists(PROPOSALS, max_size=3).map(tuple)
TYPES = strategies.lists(strategies.sampled_from([Noted, Counted]), max_size=2)
ITEMS = strategies.tuples(TYPES, TAGS).filter(any).map(lambda parts: QueryItem(types=parts[0], tags=parts[1]))
QUERIES = strategies.just(Query.all()) | strategies.lists(ITEMS, min_size=1, max_size=3).map(
    lambda items: Query.of(*items)
)


def essence(recorded: Iterable[Recorded[Any]]) -> list[tuple[Any, ...]]:
    """What two logs must agree on about events; a random id is not among it."""
    return [(each.event, each.type, each.version, each.tags, each.metadata) for each in recorded]


@dataclass(frozen=True)
class Moment:
    """The same place in both logs."""

    memory: int
    store: int


class TwoLogs(RuleBasedStateMachine):
    """Every rule is done to both logs, and what comes of it is compared."""

    def __init__(self, store: StoreLog) -> None:
        super().__init__()
        call_command(
            "flush",
            database=store.using,
            interactive=False,
            verbosity=0,
            inhibit_post_migrate=True,
            allow_cascade=True,
        )
        self.memory, self.store = InMemoryLog(), store
        self.moments = [Moment(0, 0)]
        self.blocks: list[tuple[list[AbstractContextManager[Any]], list[Moment]]] = []

    def both(self, act: Callable[[Log, str], Any]) -> tuple[Any, Any] | None:
        """What ``act`` returned for each log, None if both raised the same; it is told which one it has."""
        outcomes: list[tuple[Any, Exception | None]] = []
        for log, name in ((self.memory, "memory"), (self.store, "store")):
            try:
                outcomes.append((act(log, name), None))
            except (FactosError, DomainError) as raised:
                outcomes.append((None, raised))
        (first, error), (second, other) = outcomes
        assert type(error) is type(other), f"in memory: {error!r}; in the store: {other!r}"
        return None if error is not None else (first, second)

    def place(self, index: int) -> Moment:
        return self.moments[index % len(self.moments)]

    def remember(self, first: Iterable[Recorded[Any]], second: Iterable[Recorded[Any]]) -> None:
        pairs = zip(first, second, strict=True)
        self.moments.extend(Moment(memory.position, store.position) for memory, store in pairs)

    @rule(batch=BATCHES, key=KEYS)
    def append_blindly(self, batch: tuple[Proposed[Any], ...], key: str | None) -> None:
        done = self.both(lambda log, _: log.append(batch, idempotency_key=key, metadata={"n": 1.0}))
        if done is not None:
            assert essence(done[0]) == essence(done[1])
            self.remember(*done)

    @rule(batch=BATCHES, key=KEYS, query=QUERIES, index=strategies.integers(0, 50))
    def append_on_condition(
        self, batch: tuple[Proposed[Any], ...], key: str | None, query: Query, index: int
    ) -> None:
        moment = self.place(index)

        def act(log: Log, name: str) -> Any:
            condition = AppendCondition(query, after=getattr(moment, name))
            return log.append(batch, condition=condition, idempotency_key=key)

        done = self.both(act)
        if done is not None:
            assert essence(done[0]) == essence(done[1])
            self.remember(*done)

    @rule(batch=BATCHES, limit=strategies.integers(0, 6), key=KEYS, query=QUERIES)
    def dispatch(self, batch: tuple[Proposed[Any], ...], limit: int, key: str | None, query: Query) -> None:
        command = Take(batch, limit)
        done = self.both(
            lambda log, _: log.dispatch(command, decider=counting, query=query, idempotency_key=key)
        )
        if done is None:
            return
        first, second = done
        assert essence(first.events) == essence(second.events)
        assert (first.context is None) == (second.context is None)
        # Under the guard of tags it decides again when the decision gave ids that were not locked yet.
        assert (first.attempts > 0, second.attempts > 0) == (first.context is not None,) * 2
        if first.context is not None:
            assert first.context.state == second.context.state == len(second.context.events)
            assert essence(first.context.events) == essence(second.context.events)
        assert self.known(first.position, "memory") == self.known(second.position, "store")
        self.remember(first.events, second.events)

    def known(self, position: int, name: str) -> list[tuple[Any, ...]]:
        """What lies at or below this position: how the position of one log is compared with the other's."""
        log: Log = getattr(self, name)
        return essence(each for each in log.read(Query.all()) if each.position <= position)

    @rule(
        query=QUERIES,
        index=strategies.integers(0, 50),
        limit=strategies.none() | strategies.integers(0, 4),
        backwards=strategies.booleans(),
    )
    def read(self, query: Query, index: int, limit: int | None, backwards: bool) -> None:
        moment = self.place(index)

        def act(log: Log, name: str) -> Any:
            return list(log.read(query, after=getattr(moment, name), limit=limit, backwards=backwards))

        done = self.both(act)
        assert done is not None
        assert essence(done[0]) == essence(done[1])
        assert limit is None or len(done[1]) <= limit
        positions = [each.position for each in done[1]]
        assert positions == sorted(positions, reverse=backwards)

    @rule(query=QUERIES)
    def read_context(self, query: Query) -> None:
        done = self.both(lambda log, _: log.read_context(query, counting))
        assert done is not None
        first, second = done
        assert first.state == second.state == len(second.events)
        assert essence(first.events) == essence(second.events)
        self.moments.append(Moment(first.position, second.position))

    @rule()
    def look_at_the_head(self) -> None:
        done = self.both(lambda log, _: log.head())
        assert done is not None
        self.moments.append(Moment(*done))

    @precondition(lambda self: len(self.blocks) < 3)
    @rule()
    def begin(self) -> None:
        blocks = [self.memory.atomic(), self.store.atomic()]
        for block in blocks:
            block.__enter__()
        self.blocks.append((blocks, list(self.moments)))

    @precondition(lambda self: self.blocks)
    @rule()
    def commit(self) -> None:
        blocks, _ = self.blocks.pop()
        for block in blocks:
            assert not block.__exit__(None, None, None)

    @precondition(lambda self: self.blocks)
    @rule()
    def roll_back(self) -> None:
        blocks, self.moments = self.blocks.pop()
        for block in blocks:
            # contextlib raises the error again, an Atomic says by its answer that it is to be raised
            with suppress(Undone):
                assert not block.__exit__(Undone, Undone(), None)

    @invariant()
    def both_logs_hold_the_same(self) -> None:
        memory, store = list(self.memory.read(Query.all())), list(self.store.read(Query.all()))
        assert essence(memory) == essence(store)
        assert [each.id for each in memory if each.id.version == 5] == [
            each.id for each in store if each.id.version == 5
        ]

    def teardown(self) -> None:
        while self.blocks:
            self.roll_back()


# Without shrinking: it takes minutes on a database, and 25 steps can be read.
PHASES = (hypothesis.Phase.reuse, hypothesis.Phase.generate)
SETTINGS = hypothesis.settings(max_examples=30, stateful_step_count=25, deadline=None, phases=PHASES)


@on_databases()
def test_a_store_stays_in_step_with_the_log_in_memory(store: Store) -> None:
    class InStep(TwoLogs):
        def __init__(self) -> None:
            super().__init__(StoreLog(store.using))

    run_state_machine_as_test(InStep, settings=SETTINGS)

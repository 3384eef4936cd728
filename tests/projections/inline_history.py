"""A run: processes that move money between few accounts at once, and readers that look at every moment.

What they look at is judged by the log alone: a reader takes rows and facts in one statement, so in one
snapshot, and the rows have to be what these facts make. Some writers roll back, and some are killed.
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connections, transaction

from factos_django import Decider, Query, QueryItem, RetryTransaction, StoreBusy
from factos_django.conf import conf
from factos_django.dispatch import dispatch
from factos_django.models import ProjectionState
from factos_django.store import append
from factos_django.store.backends.copying import COPIED_FROM
from tests.faults.actors import Actor, actors
from tests.history.faults import Fault
from tests.history.run import drawn_seed
from tests.ledger.domain import Closed, Deposited, LedgerEvent, Transferred, accounts_of
from tests.ledger.replay import Rows, balances_of

__all__ = ["Plan", "Report", "run"]

#: How long the processes wait for each other (seconds).
_PATIENCE = 30
#: Money moves inside each group alone. Those who keep theirs are never closed.
KEEPING, CLOSING = ["kept:1", "kept:2", "kept:3"], ["closed:1", "closed:2", "closed:3"]
INLINE = ("ledger.balances", "ledger.entries")
TYPES: dict[str, Any] = {f"ledger.{each.__name__}": each for each in (Deposited, Transferred, Closed)}

# Rows, lines of the handler, and facts, in one statement: in one snapshot.
_LOOK = """
SELECT 'row', account, amount, moves, factos_position, NULL FROM ledger_balance
UNION ALL SELECT 'entry', NULL, amount, id, position, NULL FROM ledger_entry
UNION ALL SELECT 'fact', type, NULL, NULL, position, {data} FROM factos_event
"""
_DATA = {"postgresql": "data::text", "mysql": "data", "sqlite": "data"}


@dataclass(frozen=True)
class Plan:
    """What a run does.

    Attributes:
        using: The alias of the database.
        writers: Processes that append.
        alone: Appends of each before all else, in a transaction of its own, and without a second attempt.
        operations: Of each after that: appends, or transactions of several.
        victims: Processes on top that append until they are killed.
        readers: Processes that look until all is over.
        seconds: No writer begins anything later than this.
    """

    using: str
    writers: int = 4
    alone: int = 12
    operations: int = 25
    victims: int = 2
    readers: int = 2
    seconds: float = 40
    seed: int = field(default_factory=drawn_seed)


@dataclass(frozen=True)
class Report:
    """What came out of a run; ``evidence`` counts what happened in it."""

    plan: Plan
    faults: list[Fault]
    evidence: Counter[str]
    deaths: list[str]

    def __str__(self) -> str:
        found = [str(fault) for fault in self.faults[:10]]
        lines = [f"seed {self.plan.seed} ({self.plan})", f"{dict(self.evidence)}", *self.deaths]
        return "\n".join([*lines, f"{len(self.faults)} faults", *found])


@dataclass(frozen=True)
class Look:
    """What one statement saw."""

    rows: Rows
    entries: list[tuple[int, int]]
    facts: list[tuple[int, LedgerEvent]]

    @classmethod
    def at(cls, using: str) -> Look:
        """Look now."""
        with connections[using].cursor() as cursor:
            cursor.execute(_LOOK.format(data=_DATA[connections[using].vendor]))
            seen = sorted(cursor.fetchall(), key=lambda row: (row[4], row[3] or 0))
        return cls(
            rows={row[1]: row[2:5] for row in seen if row[0] == "row"},
            entries=[(row[4], row[2]) for row in seen if row[0] == "entry"],
            facts=[(row[4], TYPES[row[1]](**json.loads(row[5]))) for row in seen if row[0] == "fact"],
        )

    def faults(self) -> Iterator[Fault]:
        """Yield where rows and facts of this moment differ."""
        expected = balances_of(self.facts)
        for account in sorted(expected.keys() | self.rows.keys()):
            told, row = expected.get(account), self.rows.get(account)
            if told != row:
                yield Fault("G7", f"{account} has {row}; its {len(self.facts)} facts make {told}")
        moved = [(at, event.amount) for at, event in self.facts if isinstance(event, Transferred)]
        if moved != self.entries:
            yield Fault("G7", f"the handler wrote {self.entries[-5:]} at last; moved was {moved[-5:]}")
        kept, paid = self._kept(), self._paid()
        if kept != paid:
            yield Fault("G7", f"those who keep their money have {kept}, and got {paid}")

    def _kept(self) -> int:
        return sum(row[0] for account, row in self.rows.items() if account in KEEPING)

    def _paid(self) -> int:
        deposits = (event for _, event in self.facts if isinstance(event, Deposited))
        return sum(event.amount for event in deposits if event.account in KEEPING)


def run(plan: Plan) -> Report:
    """Run the plan on an empty log."""
    sys.stdout.write(f"ledger run with seed {plan.seed}\n")
    evidence: Counter[str] = Counter()
    faults: list[Fault] = []
    alone, met = _barriers(plan)
    readers = [partial(_watch, plan=plan) for _ in range(plan.readers)]
    writers = [partial(_write, plan=plan, number=n, alone=alone, met=met) for n in range(plan.writers)]
    victims = [partial(_write_on, plan=plan, number=100 + n, met=met) for n in range(plan.victims)]
    with actors(*readers, *writers, *victims) as crew:
        watching, working = crew[: plan.readers], crew[plan.readers : plan.readers + plan.writers]
        for victim in crew[plan.readers + plan.writers :]:
            evidence["killed"] += _kill(victim, random.Random(f"{plan.seed} kills"))
        deaths = [death for each in working for death in _ended(each, evidence, faults)]
        for each in watching:
            each.tell("over")
        deaths += [death for each in watching for death in _ended(each, evidence, faults)]
    return _judged(plan, faults, evidence, deaths)


def _barriers(plan: Plan) -> tuple[Barrier, Barrier]:
    context = get_context("fork")
    return context.Barrier(plan.writers), context.Barrier(plan.writers + plan.victims)


def _kill(victim: Actor, dice: random.Random) -> bool:
    """Kill it in the midst of whatever it does, once it has begun; tell whether it lived till then."""
    with suppress(EOFError):
        victim.hear()
        time.sleep(dice.uniform(0.05, 0.4))
        victim.kill()  # which asserts that the signal was what ended it
        return True
    return False


def _ended(each: Actor, evidence: Counter[str], faults: list[Fault]) -> list[str]:
    """Take what it says at its end, and return how it died if it says nothing."""
    try:
        counts, found = each.hear()
    except EOFError:
        return [f"a process ended with {each.end()}"]
    evidence.update(counts)
    faults.extend(found)
    return []


def _judged(plan: Plan, faults: list[Fault], evidence: Counter[str], deaths: list[str]) -> Report:
    last = Look.at(plan.using)
    faults = [*faults, *last.faults(), *_stopped(plan.using)]
    if (order := _entries_as_written(plan.using)) != sorted(order):
        faults.append(Fault("G7", f"the handler folded in another order: {order}"))
    evidence["facts"] = len(last.facts)
    evidence["closed"] = sum(isinstance(event, Closed) for _, event in last.facts)
    evidence["meetings"] = _meetings(plan.using, last)
    return Report(plan, faults, evidence, deaths)


def _stopped(using: str) -> Iterator[Fault]:
    for state in ProjectionState.objects.using(using).filter(pk__in=INLINE).exclude(condition="running"):
        yield Fault("G7", f"{state.name} stopped at {state.failed_position}: {state.error}")


def _entries_as_written(using: str) -> list[int]:
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT position FROM ledger_entry ORDER BY id")
        return [row[0] for row in cursor.fetchall()]


def _meetings(using: str, last: Look) -> int:
    """Return how often a row was written by another process than the time before."""
    with connections[using].cursor() as cursor:
        cursor.execute(f"SELECT position, {_METADATA[connections[using].vendor]} FROM factos_event")
        writers = {position: json.loads(text)["writer"] for position, text in cursor.fetchall()}
    before: dict[str, str] = {}
    count = 0
    for position, event in last.facts:
        for account in accounts_of(event):
            count += before.get(account, writers[position]) != writers[position]
            before[account] = writers[position]
    return count


_METADATA = {vendor: text.replace("data", "metadata") for vendor, text in _DATA.items()}

# What the processes do.


def _watch(pipe: Connection, *, plan: Plan) -> None:
    """Look until it is over, and say what was wrong at any of these moments."""
    faults: list[Fault] = []
    counts: Counter[str] = Counter()
    before = None
    while not pipe.poll(0.003):
        look = Look.at(plan.using)
        faults += [] if faults else look.faults()
        counts["looks"] += 1
        counts["changes"] += look != before
        before = look
    pipe.send((counts, faults))


def _write(pipe: Connection, *, plan: Plan, number: int, alone: Barrier, met: Barrier) -> None:
    writer = _Writer(plan, number)
    alone.wait(_PATIENCE)
    writer.work_alone(plan.alone)
    met.wait(_PATIENCE)
    writer.work(plan.operations)
    pipe.send((writer.counts, writer.faults))


def _write_on(pipe: Connection, *, plan: Plan, number: int, met: Barrier) -> None:
    writer = _Writer(plan, number)
    met.wait(_PATIENCE)
    writer.append()
    pipe.send("begun")
    writer.work(10**6)


class RollBack(Exception):
    """The writer gives its transaction up."""


class _Writer:
    """One process that appends. What it does follows from the seed, but for what others do."""

    def __init__(self, plan: Plan, number: int) -> None:
        self.using = plan.using
        self.number = number
        self.dice = random.Random(f"{plan.seed} {number}")
        self.until = time.monotonic() + plan.seconds
        self.counts: Counter[str] = Counter()
        self.faults: list[Fault] = []
        _find_deadlocks_sooner(plan.using)

    def work_alone(self, operations: int) -> None:
        """Append so often, each time once: a second attempt would hide a deadlock."""
        attempts, settings.FACTOS_DISPATCH_ATTEMPTS = conf.DISPATCH_ATTEMPTS, 1
        for _ in range(operations):
            try:
                self.append()
            except RetryTransaction as error:
                self.faults.append(Fault("G5", f"an append that was alone was broken off: {error}"))
        settings.FACTOS_DISPATCH_ATTEMPTS = attempts

    def work(self, operations: int) -> None:
        """Append so often, alone or in transactions of several."""
        for _ in range(operations):
            if time.monotonic() > self.until:
                return
            with suppress(RetryTransaction, StoreBusy):
                self.append() if self.dice.random() < 0.6 else self.append_together()
            time.sleep(self.dice.choice([0, 0, 0.002, 0.01]))

    def append_together(self) -> None:
        """Append several times in one transaction, some of them in vain, hold it, and end it either way."""
        with self._given_up(), transaction.atomic(using=self.using):
            for _ in range(self.dice.choice([1, 2, 3])):
                if self.dice.random() < 0.25:
                    self._append_in_vain()
                else:
                    self.append()
            time.sleep(self.dice.choice([0, 0.002, 0.01]))
            if self.dice.random() < 0.3:
                raise RollBack

    def _append_in_vain(self) -> None:
        with self._given_up(), transaction.atomic(using=self.using):
            self.append()
            raise RollBack

    @contextmanager
    def _given_up(self) -> Iterator[None]:
        try:
            yield
        except RollBack:
            self.counts["rolled back"] += 1

    def append(self) -> None:
        """Append once: blindly, or what a decision says."""
        ways: list[Callable[[], None]] = [self._append_blindly, self._append_many, self._transfer]
        self.dice.choices(ways, [6, 0.2, 3])[0]()
        self.counts["appends"] += 1

    @property
    def _about(self) -> dict[str, Any]:
        return {"metadata": {"writer": str(self.number)}, "using": self.using}

    def _append_blindly(self) -> None:
        append([self._drawn_fact() for _ in range(self.dice.choice([1, 1, 2, 3]))], **self._about)

    def _append_many(self) -> None:
        """Append so many facts that PostgreSQL copies them."""
        append([self._drawn_deposit() for _ in range(COPIED_FROM + 5)], **self._about)

    def _transfer(self) -> None:
        payer, payee = self.dice.sample(self.dice.choice([KEEPING, CLOSING]), 2)
        tags = self.dice.choice([f"account:{payer}", f"order:{self.dice.randrange(10**9)}"])
        dispatch(
            Transferred(payer, payee, self.dice.randrange(1, 50)),
            decider=Decider(initial=0, decide=_decide_transfer, evolve=lambda count, _fact: count + 1),
            query=Query.of(QueryItem(tags=[tags])),
            **self._about,
        )

    def _drawn_fact(self) -> LedgerEvent:
        if self.dice.random() < 0.4:
            payer, payee = self.dice.sample(self.dice.choice([KEEPING, CLOSING]), 2)
            return Transferred(payer, payee, self.dice.randrange(1, 50))
        return Closed(self.dice.choice(CLOSING)) if self.dice.random() < 0.25 else self._drawn_deposit()

    def _drawn_deposit(self) -> Deposited:
        return Deposited(self.dice.choice([*KEEPING, *CLOSING]), self.dice.randrange(1, 100))


def _decide_transfer(count: int, transfer: Transferred) -> list[LedgerEvent]:
    """Let the context say something: every seventh is a deposit."""
    return [Deposited(transfer.payee, transfer.amount)] if count % 7 == 6 else [transfer]


def _find_deadlocks_sooner(using: str) -> None:
    if connections[using].vendor == "postgresql":
        with suppress(DatabaseError), connections[using].cursor() as cursor:
            cursor.execute("SET deadlock_timeout = '50ms'")  # only a superuser may

"""One process of a run that appends, what it draws, and how it may give up."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connections, transaction

from factos_django import Decider, Query, QueryItem, RetryTransaction, StoreBusy
from factos_django.conf import conf
from factos_django.dispatch import dispatch
from factos_django.store import append
from factos_django.store.backends.copying import COPIED_FROM
from tests.history.faults import Fault
from tests.ledger.domain import Closed, Deposited, LedgerEvent, Transferred
from tests.projections.ledger_run.look import CLOSING, KEEPING
from tests.projections.ledger_run.plan import Plan

__all__ = ["Writer"]

#: A pause of those who have done what they had to, and write on (seconds).
_PAUSE = 0.05


class RollBack(Exception):
    """The writer gives its transaction up."""


class Writer:
    """One process that appends. What it does follows from the seed, but for what others do."""

    def __init__(self, plan: Plan, number: int) -> None:
        self.using = plan.using
        self.number = number
        self.dice = random.Random(f"{plan.seed} {number}")
        self.until = time.monotonic() + plan.seconds
        self.counts: Counter[str] = Counter()
        self.faults: list[Fault] = []
        if plan.guards:
            settings.FACTOS_GUARD = {plan.using: plan.guards[number % len(plan.guards)]}
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

    def work(self, operations: int, is_over: Callable[[], bool]) -> None:
        """Append so often, and then slowly until it is over, alone or in transactions of several."""
        done = 0
        while time.monotonic() < self.until and (done < operations or not is_over()):
            with suppress(RetryTransaction, StoreBusy):
                self.append() if self.dice.random() < 0.6 else self.append_together()
            done += 1
            time.sleep(self.dice.choice([0, 0, 0.002, 0.01]) if done < operations else _PAUSE)

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

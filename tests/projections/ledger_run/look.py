"""What one statement saw of the ledger, and what is wrong with it.

Rows and facts are of one snapshot, so the rows have to be what these facts make: those of inline projections
what all of them make, those of followers what the facts up to their checkpoint make.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db import connections

from tests.history.faults import Fault
from tests.ledger.domain import Closed, Deposited, LedgerEvent, Transferred
from tests.ledger.replay import Rows, balances_of
from tests.projections.ledgers import BALANCES, ENTRIES

__all__ = ["CLOSING", "KEEPING", "Look", "Moved", "text_of"]

#: Money moves inside each group alone. Those who keep theirs are never closed.
KEEPING, CLOSING = ["kept:1", "kept:2", "kept:3"], ["closed:1", "closed:2", "closed:3"]
TYPES: dict[str, Any] = {f"ledger.{each.__name__}": each for each in (Deposited, Transferred, Closed)}

#: Lines of a handler: position and amount.
Moved = list[tuple[int, int]]

# Rows, lines of the handlers, checkpoints and facts, in one statement: in one snapshot.
_LOOK = """
SELECT 'row', account, amount, moves, factos_position, NULL FROM ledger_balance
UNION ALL SELECT 'followed row', account, amount, moves, factos_position, NULL FROM ledger_followedbalance
UNION ALL SELECT 'entry', NULL, amount, id, position, NULL FROM ledger_entry
UNION ALL SELECT 'followed entry', NULL, amount, id, position, NULL FROM ledger_followedentry
UNION ALL SELECT 'checkpoint', name, NULL, NULL, position, NULL FROM factos_projection
UNION ALL SELECT 'fact', type, NULL, NULL, position, {data} FROM factos_event
"""
_TEXT = {"postgresql": "{column}::text", "mysql": "{column}", "sqlite": "{column}"}


def text_of(column: str, using: str) -> str:
    """Return what selects a JSON column as text."""
    return _TEXT[connections[using].vendor].format(column=column)


@dataclass(frozen=True)
class Look:
    """What one statement saw."""

    rows: Rows
    entries: Moved
    followed_rows: Rows
    followed_entries: Moved
    checkpoints: dict[str, int]
    facts: list[tuple[int, LedgerEvent]]

    @classmethod
    def at(cls, using: str) -> Look:
        """Look now."""
        with connections[using].cursor() as cursor:
            cursor.execute(_LOOK.format(data=text_of("data", using)))
            seen = sorted(cursor.fetchall(), key=lambda row: (row[4], row[3] or 0))
        return cls(
            rows={row[1]: row[2:5] for row in seen if row[0] == "row"},
            entries=[(row[4], row[2]) for row in seen if row[0] == "entry"],
            followed_rows={row[1]: row[2:5] for row in seen if row[0] == "followed row"},
            followed_entries=[(row[4], row[2]) for row in seen if row[0] == "followed entry"],
            checkpoints={row[1]: row[4] for row in seen if row[0] == "checkpoint"},
            facts=[(row[4], TYPES[row[1]](**json.loads(row[5]))) for row in seen if row[0] == "fact"],
        )

    @property
    def is_behind(self) -> bool:
        """Tell whether the followed balances lack facts that are there, and have others."""
        return bool(self.facts) and 0 < self.checkpoints.get(BALANCES, 0) < self.facts[-1][0]

    def faults(self) -> Iterator[Fault]:
        """Yield where rows and facts of this moment differ."""
        yield from _compared("G7", self.rows, balances_of(self.facts))
        yield from _compared_entries("G7", self.entries, self._moved())
        kept, paid = self._kept(), self._paid()
        if kept != paid:
            yield Fault("G7", f"those who keep their money have {kept}, and got {paid}")
        yield from self._faults_of_followers()

    def _faults_of_followers(self) -> Iterator[Fault]:
        upto = self.checkpoints.get(BALANCES, 0)
        expected = balances_of((at, event) for at, event in self.facts if at <= upto)
        yield from _compared("G4", self.followed_rows, expected, f" at checkpoint {upto}")
        upto = self.checkpoints.get(ENTRIES, 0)
        moved = [each for each in self._moved() if each[0] <= upto]
        yield from _compared_entries("G4", self.followed_entries, moved, f" at checkpoint {upto}")

    def faults_since(self, before: Look) -> Iterator[Fault]:
        """Yield the checkpoints that have gone back."""
        for name, position in before.checkpoints.items():
            if (now := self.checkpoints.get(name, 0)) < position:
                yield Fault("G4", f"the checkpoint of {name} went back from {position} to {now}")

    def _moved(self) -> Moved:
        return [(at, event.amount) for at, event in self.facts if isinstance(event, Transferred)]

    def _kept(self) -> int:
        return sum(row[0] for account, row in self.rows.items() if account in KEEPING)

    def _paid(self) -> int:
        deposits = (event for _, event in self.facts if isinstance(event, Deposited))
        return sum(event.amount for event in deposits if event.account in KEEPING)


def _compared(guarantee: str, rows: Rows, expected: Rows, where: str = "") -> Iterator[Fault]:
    for account in sorted(expected.keys() | rows.keys()):
        told, row = expected.get(account), rows.get(account)
        if told != row:
            yield Fault(guarantee, f"{account} has {row}{where}; the facts make {told}")


def _compared_entries(guarantee: str, lines: Moved, moved: Moved, where: str = "") -> Iterator[Fault]:
    if lines != moved:
        here, there = sorted(set(moved) - set(lines)), sorted(set(lines) - set(moved))
        found = f"lacks {here[:5]} and has {there[:5]} too many, {len(lines)} for {len(moved)}"
        yield Fault(guarantee, f"the table of the handler {found}{where}")

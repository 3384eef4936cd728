"""``python -m tests.effects.effect_run.writing JSON``: a process that sends parcels, and notes what it did.

Half of them it sends quickly; then it says ``half``, waits for a line, and sends the others more slowly. Its
notes are its own: that a parcel is about to be sent, and what became of the transaction that sent it.
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import django

__all__ = ["Writing", "fates"]


@dataclass(frozen=True)
class Writing:
    """What a writer does.

    Attributes:
        using: The alias of the database.
        name: Begins the name of each of its parcels.
        notes: The file of its notes.
        parcels: How many it sends, at least, and commits.
        pause: The longest pause of the second half (seconds).
        told: How the attempts to tell a buyer go, with weights.
        billed: The same, of those to bill him.
    """

    using: str
    name: str
    seed: int
    notes: str
    parcels: int
    pause: float
    told: dict[str, float]
    billed: dict[str, float]

    @property
    def command(self) -> list[str]:
        """What starts it."""
        return [sys.executable, "-m", "tests.effects.effect_run.writing", json.dumps(asdict(self))]


def fates(notes: Path) -> dict[str, str]:
    """Return what a writer noted last of each of its parcels; one that was killed left a line unfinished."""
    *lines, _unfinished = notes.read_text().split("\n") if notes.exists() else [""]
    return {parcel: fate for line in lines for parcel, fate in [json.loads(line)]}


class _Changed(Exception):
    """The writer gives its transaction up."""


class _Writer:
    def __init__(self, writing: Writing) -> None:
        self.writing = writing
        self.dice = random.Random(f"{writing.seed} {writing.name}")
        self.number = self.committed = 0
        self.file = Path(writing.notes).open("a", buffering=1)  # noqa: SIM115  # for as long as it lives
        self.open: list[list[str]] = []

    def write(self, parcels: int, pause: float) -> None:
        """Send so many parcels more."""
        wanted = self.committed + parcels
        while self.committed < wanted:
            ways = [self._send_some, self._send_many, self._send_in_transaction]
            self.dice.choices(ways, [6, 1, 3])[0]()
            time.sleep(self.dice.uniform(0, pause))

    def _send_some(self) -> None:
        self._alone(self.dice.choice([1, 1, 2, 3]))

    def _send_many(self) -> None:
        self._alone(self.dice.randrange(8, 16))

    def _alone(self, parcels: int) -> None:
        with self._noted():
            self._append(parcels)

    def _send_in_transaction(self) -> None:
        """Append twice in one transaction, once in vain, and give it up now and then."""
        with self._noted(), transaction.atomic(using=self.writing.using):
            self._append(self.dice.choice([1, 2]))
            if self.dice.random() < 0.5:
                with self._noted(), transaction.atomic(using=self.writing.using):
                    self._append(1)
                    raise _Changed
            self._append(1)
            if self.dice.random() < 0.4:
                raise _Changed

    @contextmanager
    def _noted(self) -> Iterator[None]:
        """Note what became of what is sent in the block; what is sent in it in vain is noted before."""
        self.open.append([])
        fate = "unknown"
        try:
            yield
            fate = "committed"
        except (_Changed, StoreBusy, RetryTransaction):
            fate = "rolled back"
        finally:
            sent = self.open.pop()
            for parcel in sent:
                self._note(parcel, fate)
            self.committed += len(sent) if fate == "committed" else 0

    def _append(self, parcels: int) -> None:
        drawn = [self._drawn() for _ in range(parcels)]
        self.open[-1] += [each.parcel for each in drawn]
        append(drawn, using=self.writing.using)

    def _drawn(self) -> Any:
        self.number += 1
        parcel = f"{self.writing.name}-{self.number}"
        self._note(parcel, "about to be sent")
        buyer = f"buyer-{self.dice.randrange(12)}"
        told, billed = self._weighed(self.writing.told), self._weighed(self.writing.billed)
        return ParcelSent(parcel, buyer, told=told, billed=billed)

    def _weighed(self, ways: dict[str, float]) -> str:
        return self.dice.choices(list(ways), list(ways.values()))[0]

    def _note(self, parcel: str, fate: str) -> None:
        self.file.write(json.dumps([parcel, fate]) + "\n")


def _main(writing: Writing) -> None:
    writer = _Writer(writing)
    writer.write(writing.parcels // 2, 0.02)
    sys.stdout.write("half\n")
    sys.stdout.flush()
    sys.stdin.readline()
    writer.write(writing.parcels - writing.parcels // 2, writing.pause)
    sys.stdout.write("wrote\n")


if __name__ == "__main__":
    django.setup()

    from django.db import transaction

    from factos_django import RetryTransaction, StoreBusy
    from factos_django.store import append
    from tests.parcels.domain import ParcelSent

    _main(Writing(**json.loads(sys.argv[1])))

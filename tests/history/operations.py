"""The history of a run: what each process asked of the store, when, and what it was told.

Each process writes a file of its own, one JSON object a line. Times are nanoseconds of the machine's
monotonic clock, which is the same in all processes.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TextIO, TypeAlias

__all__ = [
    "NEVER",
    "Append",
    "Asked",
    "Freeze",
    "History",
    "Journal",
    "Kill",
    "Operation",
    "Outage",
    "Query",
    "Reading",
    "Transaction",
    "now",
]

#: A query as plain data: ``{"all": True}`` or ``{"items": [{"types": [...], "tags": [...]}]}``.
Query: TypeAlias = "dict[str, Any]"

now = time.monotonic_ns

#: A moment after all that is noted: when a process that was killed has certainly ended its transaction.
NEVER = 2**62


@dataclass(frozen=True, slots=True)
class Asked:
    """A fact that an append was to record."""

    type: str
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Append:
    """One call of ``append`` or ``dispatch``.

    Attributes:
        name: Unique in the run; its facts carry it in their metadata.
        mark: What its facts say of themselves: the idempotency key, or the name where there is none.
        transaction: The name of the transaction in which it ran.
        form: ``blind``, ``conditional`` or ``dispatched``.
        outcome: ``accepted``, ``nothing`` (decided so), ``declined`` (by the decider), ``rejected``
            (by the condition), ``busy``, ``broken`` (off by the database), ``cut`` (off from it before
            COMMIT), ``unknown`` or ``failed`` (with ``error``: that is nothing that should happen).
        facts: What it was to record, in this order.
        positions: What it was told.
        recorder: The append that the facts it was told of name; None where there are none.
        query: The context that had not to move; None for a blind append.
        after: Since when; None for a dispatched one.
        saw: The facts that the decider was given, each as ``mark/ordinal``; None if it never ran.
        conflicts: The positions that the rejection named.
        attempts: How often the decider ran (times).
        ids: Its facts had ids of the client, the same for all appends of this mark.
        alone: No transaction was open, so that it was one by itself.
    """

    name: str
    mark: str
    transaction: str
    form: str
    invoked: int
    completed: int
    outcome: str
    facts: tuple[Asked, ...] = ()
    positions: tuple[int, ...] = ()
    recorder: str | None = None
    key: str | None = None
    query: Query | None = None
    after: int | None = None
    saw: tuple[str, ...] | None = None
    conflicts: tuple[int, ...] = ()
    attempts: int = 0
    ids: bool = False
    alone: bool = False
    error: str = ""

    @property
    def repeats(self) -> bool:
        """Tell whether it was answered by what another append had recorded under the key."""
        return self.recorder not in (None, self.name)

    @property
    def identities(self) -> list[str]:
        """Its facts, each as ``mark/ordinal``."""
        return [f"{self.mark}/{ordinal}" for ordinal in range(len(self.facts))]


@dataclass(frozen=True, slots=True)
class Transaction:
    """One transaction, or a savepoint that was rolled back (then with the ``parent`` it belongs to).

    ``committing`` is when its client began to end it: it has certainly not committed before.
    """

    name: str
    process: int
    begun: int
    committing: int
    ended: int
    outcome: str  # committed, rolled back, unknown
    parent: str | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """One read: what it saw of ``query`` above ``after``, and up to where it claims to know all of it.

    ``source`` is ``read``, ``context`` (by ``read_context``) or ``follow`` (by the follower of this
    process, whose next reading begins at ``checkpoint``).
    """

    process: int
    source: str
    transaction: str | None
    query: Query
    after: int
    invoked: int
    completed: int
    seen: tuple[tuple[int, str], ...]
    checkpoint: int
    limited: bool = False


@dataclass(frozen=True, slots=True)
class Kill:
    """A process was killed. What it had not yet noted is unknown; what it had noted was acknowledged."""

    process: int
    at: int


@dataclass(frozen=True, slots=True)
class Freeze:
    """A process was stopped with its transaction open, and went on later.

    ``limit`` is how long the others were to wait for a lock (seconds).
    """

    process: int
    begun: int
    ended: int
    limit: float


@dataclass(frozen=True, slots=True)
class Outage:
    """The server was killed after ``begun``, was dead at ``dead``, and answered again before ``ended``."""

    begun: int
    dead: int
    ended: int


Operation: TypeAlias = "Append | Transaction | Reading | Kill | Freeze | Outage"
_KINDS: dict[str, Any] = {
    each.__name__.lower(): each for each in (Append, Transaction, Reading, Kill, Freeze, Outage)
}


class Journal:
    """The file to which one process writes its part of the history."""

    def __init__(self, path: Path) -> None:
        self._file: TextIO = path.open("w", buffering=1)  # by lines: a process that is killed loses none

    def write(self, operation: Operation) -> None:
        """Add one operation."""
        record = {"kind": type(operation).__name__.lower(), **asdict(operation)}
        self._file.write(json.dumps(record) + "\n")

    def close(self) -> None:
        """Write nothing more."""
        self._file.close()


@dataclass(slots=True)
class History:
    """What all the processes of a run wrote."""

    appends: list[Append] = field(default_factory=list)
    transactions: list[Transaction] = field(default_factory=list)
    readings: list[Reading] = field(default_factory=list)
    kills: list[Kill] = field(default_factory=list)
    freezes: list[Freeze] = field(default_factory=list)
    outages: list[Outage] = field(default_factory=list)

    @classmethod
    def of(cls, *operations: Operation) -> History:
        """Return the history of these operations."""
        history = cls()
        for operation in operations:
            history.add(operation)
        return history

    @classmethod
    def load(cls, paths: Iterable[Path]) -> History:
        """Return the history that was written to these files."""
        history = cls.of(*(_parsed(json.loads(line)) for path in paths for line in _lines(path)))
        # Both are noted before they begin, and again with what came of them, unless they were killed.
        history.appends = list({each.name: each for each in history.appends}.values())
        history.transactions = list({each.name: each for each in history.transactions}.values())
        return history

    def add(self, operation: Operation) -> None:
        """Add one operation."""
        lists: dict[type[Any], list[Any]] = {
            Append: self.appends,
            Transaction: self.transactions,
            Reading: self.readings,
            Kill: self.kills,
            Freeze: self.freezes,
            Outage: self.outages,
        }
        lists[type(operation)].append(operation)


def _lines(path: Path) -> list[str]:
    """Return the whole lines; the last one of a killed process may be torn."""
    return path.read_text().split("\n")[:-1]


def _parsed(record: dict[str, Any]) -> Operation:
    kind = _KINDS[record.pop("kind")]
    for name in ("positions", "conflicts", "saw"):
        if record.get(name) is not None:
            record[name] = tuple(record[name])
    if "facts" in record:
        record["facts"] = tuple(Asked(asked["type"], tuple(asked["tags"])) for asked in record["facts"])
    if "seen" in record:
        record["seen"] = tuple((position, identity) for position, identity in record["seen"])
    parsed: Operation = kind(**record)
    return parsed

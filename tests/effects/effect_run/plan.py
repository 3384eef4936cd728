"""What a run over effects does, and what came out of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from tests.history.faults import Fault
from tests.history.run import drawn_seed

__all__ = ["BILLED", "TOLD", "Plan", "Report"]

#: How the attempts to tell a buyer go, with weights; see ``tests.parcels.factos``.
TOLD = {
    "fine": 80.0, "twice": 6, "fails 1": 4, "fails 9": 1, "fatal": 1, "dies 1": 0.7, "slow 0.1": 4,
    "later 0.3": 1, "reports": 2,
}  # fmt: skip
BILLED = {"": 60.0, "fine": 34, "fails 1": 3, "fails 9": 0.6, "fatal": 0.6, "slow 0.1": 2}


@dataclass(frozen=True)
class Plan:
    """What a run does.

    Attributes:
        using: The alias of the database.
        broker: One of ``brokers``: files, redis, rabbitmq (of its own), shared rabbitmq.
        blow: The name of what strikes in the midst: see ``blows``.
        guard: The guard of all processes.
        parcels: How many are sent and committed, at least, by all writers together.
        writers: Processes that send them.
        workers: Celery workers: the first has two children, each other is one process.
        relays: Processes that relay.
        in_flight: The blow waits until so many effects are published or leased, and not done.
        told: How the attempts to tell a buyer go, with weights.
        billed: The same, of those to bill him.
        lease: How long an attempt may take (seconds).
        nudge: Whether commits publish by themselves; else relays publish all.
        pause: The longest pause of a writer between two transactions of its second half (seconds).
        seconds: How long effects have, after all is written, until none is unfinished.
    """

    using: str
    broker: str
    blow: str
    guard: str = "auto"
    parcels: int = 370
    writers: int = 3
    workers: int = 2
    relays: int = 2
    in_flight: int = 25
    told: dict[str, float] = field(default_factory=lambda: dict(TOLD))
    billed: dict[str, float] = field(default_factory=lambda: dict(BILLED))
    lease: float = 4.0
    nudge: bool = True
    pause: float = 0.05
    seconds: float = 150.0
    seed: int = field(default_factory=drawn_seed)


@dataclass(frozen=True)
class Report:
    """What came out of a run; ``evidence`` counts what happened in it, ``seen`` says what struck."""

    plan: Plan
    faults: list[Fault]
    evidence: Counter[str]
    deaths: list[str]
    seen: list[str]
    recovery: float = 0.0
    seconds: float = 0.0

    def __str__(self) -> str:
        found = [str(fault) for fault in self.faults[:10]]
        lines = [f"seed {self.plan.seed} ({self.plan})", f"{dict(self.evidence)}", *self.deaths, *self.seen]
        return "\n".join([*lines, f"{len(self.faults)} faults", *found])

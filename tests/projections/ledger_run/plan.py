"""What a run over the ledger does, and what came out of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from tests.history.faults import Fault
from tests.history.run import drawn_seed

__all__ = ["FOLLOWED", "INLINE", "Plan", "Report"]

INLINE = ("ledger.balances", "ledger.entries")
FOLLOWED = ("ledger.followed_balances", "ledger.turnovers", "ledger.followed_entries")


@dataclass(frozen=True)
class Plan:
    """What a run does.

    Attributes:
        using: The alias of the database.
        guards: Each writer takes the guard of its turn; none: that of the settings.
        writers: Processes that append.
        alone: Appends of each before all else, in a transaction of its own, and without a second attempt.
        operations: Of each after that, at least: appends, or transactions of several.
        victims: Processes on top that append until they are killed.
        readers: Processes that look until all is over.
        followers: Processes that follow, are killed, and started again.
        rebuilders: The same, of those that rebuild and check one projection after the other.
        kills: Of each of these two kinds, at least; writers write on until then.
        seconds: No writer begins anything later than this, and nobody is killed any more.
    """

    using: str
    guards: tuple[str, ...] = ()
    writers: int = 4
    alone: int = 12
    operations: int = 25
    victims: int = 2
    readers: int = 2
    followers: int = 0
    rebuilders: int = 0
    kills: int = 4
    seconds: float = 40
    seed: int = field(default_factory=drawn_seed)


@dataclass(frozen=True)
class Report:
    """What came out of a run; ``evidence`` counts what happened in it."""

    plan: Plan
    faults: list[Fault]
    evidence: Counter[str]
    deaths: list[str]
    seconds: float = 0.0

    def __str__(self) -> str:
        found = [str(fault) for fault in self.faults[:10]]
        lines = [f"seed {self.plan.seed} ({self.plan})", f"{dict(self.evidence)}", *self.deaths]
        return "\n".join([*lines, f"{len(self.faults)} faults", *found])

"""What came out of one case of the gauntlet, whatever kind of run it was."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from tests.history.faults import Fault

__all__ = ["DATABASES", "Outcome"]

#: By the beginning of a place.
DATABASES = {"sqlite": "SQLite", "postgres": "PostgreSQL", "mariadb": "MariaDB"}
#: So many faults are told in full.
_TOLD = 5


@dataclass(frozen=True)
class Outcome:
    """What a case did, and what was wrong.

    Attributes:
        scenario: Its name.
        place: A store, as the tests call it, and whatever else matters: ``postgres-tags, redis``.
        seed: By which its dice were thrown.
        seconds: How long it took.
        broken: How often each guarantee was seen broken; ``errors`` are failures that nobody asked for.
        counts: What was done, and what was seen.
        recoveries: From a blow to the next success (seconds each).
        problems: Why it is not good, in words: faults, deaths, and what it proved too little of.
        labels: What else there is to say of it, in words, by heading.
    """

    scenario: str
    place: str
    seed: int
    seconds: float
    broken: Mapping[str, int] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    recoveries: tuple[float, ...] = ()
    problems: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_good(self) -> bool:
        """Tell whether nothing is wrong, and enough was proved."""
        return not self.broken and not self.problems

    @property
    def database(self) -> str:
        """The database that it ran on."""
        return next(name for alias, name in DATABASES.items() if self.place.startswith(alias))

    @classmethod
    def judged(
        cls,
        scenario: str,
        place: str,
        seed: int,
        seconds: float,
        faults: Iterable[Fault],
        *,
        counts: Mapping[str, int],
        recoveries: Iterable[float] = (),
        problems: Iterable[str] = (),
    ) -> Outcome:
        """Return the outcome of a run that was judged by a checker."""
        found = list(faults)
        return cls(
            scenario,
            place,
            seed,
            seconds,
            Counter(fault.guarantee for fault in found),
            {name: number for name, number in counts.items() if number},
            tuple(recoveries),
            (*problems, *map(str, found[:_TOLD])),
        )

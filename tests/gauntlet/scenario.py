"""What a scenario is: a name, the faults of the catalogue that it stands for, and the cases that it runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from tests.gauntlet.outcome import Outcome

__all__ = ["Case", "Scenario"]


@dataclass(frozen=True)
class Case:
    """One run of a scenario.

    Attributes:
        place: A store, and whatever else matters; see Outcome.
        run: Runs it.
        why_left_out: Why it cannot be run here, or an empty string.
    """

    place: str
    run: Callable[[], Outcome]
    why_left_out: str = ""


@dataclass(frozen=True)
class Scenario:
    """One kind of trouble.

    Attributes:
        name: What is done, in two or three words.
        what: The same in a sentence, for the page.
        faults: The faults of the catalogue that it stands for, by number.
        cases: Returns its cases, for a seed, and whether they are to be short.
    """

    name: str
    what: str
    faults: str
    cases: Callable[[int, bool], Iterable[Case]]

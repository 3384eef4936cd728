"""What a row of the benchmark is: what is measured at once, and the lines of the table that come of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.benchmarks.bench import SUBJECTS, Bench

__all__ = ["Line", "Measure", "Row", "Values", "p50_and_p99_lines"]

#: One value for each line of the row; None where the subject has none.
Values = Sequence[float | None]
Measure = Callable[[Bench, str, int], Values]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table.

    Attributes:
        label: What is measured, with its unit.
        elsewhere: The best known figure of another event store, measured elsewhere.
        aim: What we want to reach.
    """

    label: str
    elsewhere: str = "-"
    aim: str = "-"


@dataclass(frozen=True, slots=True)
class Row:
    """What is measured at once: a line or several.

    Attributes:
        name: For the command line.
        measure: Takes the bench, the subject, and the number of the run from 0.
        subjects: Those for which it makes sense.
        once: It is measured in the first run alone.
        series: The same over logs of other sizes has the same name here: the first lines of all stand
            together in the table, then the second ones.
    """

    name: str
    lines: tuple[Line, ...]
    measure: Measure
    subjects: tuple[str, ...] = SUBJECTS
    once: bool = False
    series: str = ""


def p50_and_p99_lines(what: str, aim: str = "-") -> tuple[Line, ...]:
    """Two lines, in milliseconds."""
    return tuple(Line(f"{what} ({each} ms)", aim=aim) for each in ("p50", "p99"))

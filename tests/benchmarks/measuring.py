"""Measuring rows, the subjects taking turns."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, groupby

from tests.benchmarks.bench import Bench
from tests.benchmarks.clients import ClientFailed
from tests.benchmarks.report import FAILED, Measured
from tests.benchmarks.rows import Row, Values

__all__ = ["measure"]


@dataclass
class _Turn:
    """One subject's part in one row: a list of values for each run."""

    subject: str
    runs: list[Values] = field(default_factory=list)


def measure(bench: Bench, rows: Sequence[Row], say: Callable[[str], None]) -> Iterator[Measured]:
    """Yield the lines of the rows, each row being measured as often as the bench says: ours, peer, floor,
    ours, peer, floor... A measurement that fails is told and does not end the others.
    """
    for _, series in groupby(rows, key=lambda row: row.series or row.name):
        lines = [_measured(bench, row, say) for row in series]
        yield from chain.from_iterable(zip(*lines, strict=True))


def _measured(bench: Bench, row: Row, say: Callable[[str], None]) -> list[Measured]:
    turns = [_Turn(subject) for subject in row.subjects if subject in bench.subjects]
    for run in range(1 if row.once else bench.runs):
        for turn in turns:
            say(f"{row.name}, run {run + 1}: {turn.subject}")
            turn.runs.append(_values(bench, row, turn.subject, run))
    return [_line(row, number, turns) for number in range(len(row.lines))]


def _values(bench: Bench, row: Row, subject: str, run: int) -> Values:
    try:
        return row.measure(bench, subject, run)
    except ClientFailed as error:
        sys.stderr.write(f"{row.name} of {subject} failed: {error}\n")
        return [FAILED for _ in row.lines]


def _line(row: Row, number: int, turns: Sequence[_Turn]) -> Measured:
    found = {turn.subject: [values[number] for values in turn.runs] for turn in turns}
    values = {subject: [value for value in each if value is not None] for subject, each in found.items()}
    return Measured(row.lines[number], values)

"""The table as Markdown, and the page that it is written into."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tests.benchmarks.bench import FLOOR, OURS, PEER
from tests.benchmarks.figures import ratio
from tests.benchmarks.rows import Line
from tests.markdown import between_marks, table_of

__all__ = ["BEGIN", "FAILED", "Measured", "rendered", "replaced", "table", "write_page"]

#: By the table.
BEGIN = {
    "rows": "<!-- From here to the next mark, make bench writes. -->",
    "admin": "<!-- From here to the next mark, make bench writes about the admin. -->",
}

#: The value of a measurement that came to nothing.
FAILED = math.nan

_HEADINGS = [
    "part",
    "what",
    "ours",
    "peer",
    "floor",
    "ours/peer",
    "ours/floor",
    "ours, all runs",
    "a peer's best elsewhere",
    "aim",
]


@dataclass(frozen=True, slots=True)
class Measured:
    """A line with the values of all runs, by subject; a subject that has none is left out."""

    line: Line
    values: Mapping[str, Sequence[float]]

    def median_of(self, subject: str) -> float | None:
        """The median of the runs; FAILED if one of them failed."""
        values = self.values.get(subject, ())
        if any(math.isnan(value) for value in values):
            return FAILED
        return median(values) if values else None


def table(groups: Mapping[str, Sequence[Measured]]) -> str:
    """The table in Markdown, the name of its group before each line."""
    lines = [[name, *_cells(each)] for name, measured in groups.items() for each in measured]
    rows = [_HEADINGS, ["---", "---", *["---:"] * 6, "---", "---"], *lines]
    return table_of(rows)


def rendered(number: float | None) -> str:
    """A number with the digits that mean something."""
    if number is None:
        return "-"
    if math.isnan(number):
        return "failed"
    digits = 0 if number == round(number) or number >= 100 else 1 if number >= 10 else 2
    return f"{number:,.{digits}f}"


def replaced(page: str, part: str, name: str) -> str:
    """The page with ``part`` between the marks of this name, in place of what was there."""
    return between_marks(page, part, BEGIN[name])


def write_page(path: Path, part: str, name: str) -> None:
    """Write ``part`` between the marks of this name."""
    path.write_text(replaced(path.read_text(), part, name))


def _cells(measured: Measured) -> list[str]:
    ours, peer, floor = (measured.median_of(subject) for subject in (OURS, PEER, FLOOR))
    ratios = (ratio(ours, other) for other in (peer, floor))
    numbers = [rendered(number) for number in (ours, peer, floor, *ratios)]
    runs = " / ".join(rendered(value) for value in measured.values.get(OURS, ())) or "-"
    return [measured.line.label, *numbers, runs, measured.line.elsewhere, measured.line.aim]

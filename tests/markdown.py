"""Pages that a run writes into: tables, and the marks between which they stand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

__all__ = ["END", "between_marks", "table_of"]

END = "<!-- Here it ends. -->"


def table_of(rows: Iterable[Sequence[str]]) -> str:
    """Return the rows as a table; the second of them tells how the columns are aligned."""
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def between_marks(page: str, part: str, begin: str) -> str:
    """Return the page with ``part`` between the mark ``begin`` and END, in place of what was there."""
    before, found, rest = page.partition(begin)
    _, end, after = rest.partition(END)
    if not found or not end:
        raise ValueError(f"The page lacks one of the marks {begin!r} and {END!r}.")
    return f"{before}{begin}\n\n{part.strip()}\n\n{END}{after}"

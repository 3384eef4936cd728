"""What a mutant is: the shipped code with one mistake, as text to be replaced."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["Edit", "Mutant", "Stale"]


class Stale(Exception):
    """The text that a mutant replaces is not there, or not once: the code has moved on."""


@dataclass(frozen=True, slots=True)
class Edit:
    """In the file, beneath the package, ``old`` stands once and gives way to ``new``."""

    file: str
    old: str
    new: str

    def apply(self, package: Path) -> None:
        """Change the copy of the package."""
        path = package / self.file
        text = path.read_text()
        if (times := text.count(self.old)) != 1:
            raise Stale(f"{self.file} holds this {times} times, not once: {self.old}")
        path.write_text(text.replace(self.old, self.new))


@dataclass(frozen=True, slots=True)
class Mutant:
    """A mistake, and the run in which it is looked for; see ``tests.history.long_form`` for the stores.

    ``scenes`` are numbers of its plan that differ from those of the others: victims, freezes, operations.
    ``run`` is ``history``, or ``ledger``: that of ``tests.projections.ledger_run``.
    Where ``test`` names one, beneath ``tests``, that is run against it instead.
    """

    name: str
    store: str
    edits: tuple[Edit, ...]
    scenes: dict[str, int] = field(default_factory=dict)
    run: str = "history"
    test: str = ""

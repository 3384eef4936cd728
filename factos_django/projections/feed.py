"""The contract by which facts become rows: through a view, or through a handler."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from django.db import models

from factos_django.core.event import Recorded

__all__ = ["Feed"]


class Feed(Protocol):
    """How the facts of one projection become rows.

    Folding reads and writes nothing of the database but the rows that are there; nobody else may write
    these from the folding to the end of the writing.
    """

    @property
    def models(self) -> tuple[type[models.Model], ...]:
        """The models of the tables that are written."""

    def row_names(self, foreseen: Recorded[Any]) -> Iterable[str]:
        """Return names for the rows that this fact changes; it has no position yet."""

    def fold(self, recorded: Sequence[Recorded[Any]], using: str) -> Any:
        """Return the changes that ``recorded`` make, for ``write``. The application's code may raise."""

    def write(self, changes: Any, using: str) -> None:
        """Write them. The application's code, and the database, may raise."""

"""Rows written by the application's own function."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import models

from factos_django.core.event import Recorded

__all__ = ["Handler"]


@dataclass(frozen=True, slots=True, eq=False)
class Handler:
    """A function that writes what one fact means, by whatever SQL, to tables of its own."""

    function: Callable[[Recorded[Any], str], None]
    models: tuple[type[models.Model], ...]

    def row_names(self, foreseen: Recorded[Any]) -> list[str]:
        """Return one name for all that it writes: nobody knows which rows those are."""
        return [""]

    def fold(self, recorded: Sequence[Recorded[Any]], using: str) -> Sequence[Recorded[Any]]:
        """Return them; it reads and writes at once."""
        return recorded

    def write(self, changes: Sequence[Recorded[Any]], using: str) -> None:
        """Call the function for each."""
        for recorded in changes:
            self.function(recorded, using)

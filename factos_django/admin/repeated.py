"""What an address asks, where a name may stand several times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["Repeated"]


class Repeated(dict[str, str]):
    """The last value of each name, whose items are all values: a form that says them again loses none."""

    def __init__(self, values: Mapping[str, Sequence[str]]) -> None:
        super().__init__({name: given[-1] for name, given in values.items()})
        self._values = values

    def items(self) -> Any:
        """Return each name with each of its values."""
        return [(name, value) for name, given in self._values.items() for value in given]

"""What keeps facts of the list from being followed."""

from __future__ import annotations

from dataclasses import dataclass

from factos_django.status.holder import Holder, holder
from factos_django.store.heads import highest_position

__all__ = ["HeldHead", "held_head"]


@dataclass(frozen=True, slots=True)
class HeldHead:
    """A stable head that is held back while there are facts above it.

    Attributes:
        head: Where it is.
        positions: How many positions there are up to the highest fact.
        holder: Who holds it.
    """

    head: int
    positions: int
    holder: Holder


def held_head(head: int, using: str) -> HeldHead | None:
    """Return what holds ``head`` back, or None where nobody does, or nothing lies above it."""
    holding = holder(using)
    above = highest_position(using) - head if holding is not None else 0
    return HeldHead(head, above, holding) if holding is not None and above > 0 else None

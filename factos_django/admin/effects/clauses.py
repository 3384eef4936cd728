"""What is asked of effects, and which index can tell the rows that it is true of."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Q

from factos_django.effects.finding import EffectFilter

__all__ = ["Clause", "Look", "clause_of", "clause_of_id"]


@dataclass(frozen=True, slots=True)
class Look:
    """A look into an index.

    Attributes:
        condition: What its first columns are equal to.
        order: Its other columns: in their order no planner looks anywhere else.
    """

    condition: Q
    order: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Clause:
    """Something that is asked of effects.

    Attributes:
        condition: It.
        looks: Where all that it is true of is found; empty where no index can tell.
    """

    condition: Q
    looks: tuple[Look, ...] = ()

    def __or__(self, other: Clause) -> Clause:
        is_served = bool(self.looks and other.looks)
        return Clause(self.condition | other.condition, self.looks + other.looks if is_served else ())


def clause_of(chosen: EffectFilter, using: str) -> Clause:
    """Return what ``chosen`` asks. Of several things that an index can tell, it tells the narrowest."""
    condition = chosen.condition(using)
    if chosen.event_id is not None or chosen.position is not None:
        return Clause(condition, (Look(condition, ("reactor", "name", "key")),))
    if chosen.ordering_key is not None:
        key = Q(ordering_key=chosen.ordering_key)
        return Clause(condition, (Look(key, ("holds", "position", "pk")),))
    if chosen.state is not None:
        return Clause(condition, (Look(Q(state=chosen.state), ("finished_at",)),))
    return Clause(condition)


def clause_of_id(id: int) -> Clause:
    """Return what asks for one effect."""
    return Clause(Q(pk=id), (Look(Q(pk=id), ("pk",)),))

"""What became of effects, and how long the oldest has waited."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Min, Q

from factos_django.models import Effect
from factos_django.status.lag import COUNTED, within
from factos_django.workers.leases import database_now

__all__ = ["EffectCount", "EffectsStatus", "effects_status"]

State = Effect.State


@dataclass(frozen=True, slots=True)
class EffectCount:
    """How many effects are in one state.

    Attributes:
        effects: How many.
        is_more: Whether there are more than that; they were not all counted.
    """

    effects: int
    is_more: bool


@dataclass(frozen=True, slots=True)
class EffectsStatus:
    """The outbox of one database.

    Attributes:
        pending: Those that wait for an attempt.
        running: Those with an attempt that has not ended.
        done: Those that were delivered, and are not pruned.
        dead: Those for somebody to look at.
        dropped: Those that were given up, and are not pruned.
        oldest_due_seconds: For how long the unfinished one that was due first has been due; 0 where none is.
        oldest_dead_since: When the first of the dead died; None where there is none.
    """

    pending: EffectCount
    running: EffectCount
    done: EffectCount
    dead: EffectCount
    dropped: EffectCount
    oldest_due_seconds: float
    oldest_dead_since: datetime | None


def effects_status(count_to: int, using: str, *, at_most: int | None = None) -> EffectsStatus:
    """Return where the effects of ``using`` stand; up to ``count_to`` are counted of the dead.

    Of the others COUNTED, so that it takes no longer for more of them; finished ones are not looked at.
    Where no more than ``at_most`` may be looked at, the oldest that is due is the oldest of so many that a
    relay looks at next: there may be one that is older.
    """
    most = {State.DEAD.value: count_to}
    counts = {
        str(each.value): _count(each.value, within(most.get(each.value, COUNTED), at_most), using)
        for each in State
    }
    dead = Effect.objects.using(using).filter(state=State.DEAD)
    return EffectsStatus(
        **counts,
        oldest_due_seconds=_oldest_due_seconds(at_most, using),
        oldest_dead_since=dead.aggregate(first=Min("finished_at"))["first"],
    )


def _count(state: str, most: int, using: str) -> EffectCount:
    # By the order of the index: where few are in a state, the first of them may be the table's last row.
    rows = Effect.objects.using(using).filter(state=state).order_by("finished_at")
    number = rows[: most + 1].count()
    return EffectCount(min(number, most), number > most)


def _oldest_due_seconds(at_most: int | None, using: str) -> float:
    now = database_now(using)
    unfinished = Effect.objects.using(using).filter(publish_at__isnull=False)  # has an index
    if at_most is not None:
        unfinished = unfinished.order_by("publish_at")[:at_most]
    oldest = unfinished.aggregate(first=Min("available_at", filter=Q(available_at__lte=now)))["first"]
    return 0.0 if oldest is None else max(0.0, float((now - oldest).total_seconds()))

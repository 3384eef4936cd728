"""The outbox as tests look at it, and effects in the state that a test needs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from django.db.models import QuerySet

from factos_django.effects.delivering import Delivered, deliver
from factos_django.effects.handlers import Handler
from factos_django.models import Effect
from factos_django.registry import HANDLERS
from factos_django.store import append
from tests.parcels.domain import ParcelSent

__all__ = ["attempt", "billed", "dead", "effects", "finished", "handler_of", "notified", "once_dead"]


def effects(using: str) -> QuerySet[Effect]:
    return Effect.objects.using(using).order_by("position", "pk")


def notified(using: str, told: str = "fine") -> Effect:
    """The effect of a parcel whose buyer is to be told."""
    append([ParcelSent("p", "renata", told=told)], using=using)
    return effects(using).latest("pk")


def billed(using: str, *bills: str, buyer: str = "renata") -> list[Effect]:
    """The effects of parcels that are to be billed one after another."""
    append([ParcelSent(f"p{n}", buyer, told="", billed=how) for n, how in enumerate(bills)], using=using)
    return list(effects(using).filter(ordering_key=buyer).order_by("pk"))[-len(bills) :]


def handler_of(row: Effect) -> Handler[Any]:
    found: Handler[Any] | None = HANDLERS.named(row.name)
    assert found is not None
    return found


def attempt(row: Effect, using: str, *, untimely: bool = False) -> Delivered:
    """Try to deliver it, as a worker does that got its message."""
    done = deliver(row.pk, handler_of(row), using, untimely=untimely)
    row.refresh_from_db()
    return done


def once_dead(row: Effect, using: str) -> Effect:
    """Let it fail until it is dead."""
    for _ in range(handler_of(row).policy.max_attempts):
        attempt(row, using, untimely=True)
    assert row.state == Effect.State.DEAD
    return row


def dead(using: str, told: str = "fails 4") -> Effect:
    return once_dead(notified(using, told), using)


def finished(using: str, number: int, ago: timedelta, state: str = "done", **others: Any) -> None:
    """Rows that ended so long ago."""
    now = datetime.now(UTC)
    row = {
        "reactor": "old",
        "name": "old",
        "version": 1,
        "data": "{}",
        "position": 1,
        "state": state,
        **others,
    }
    moments = {"created_at": now - ago, "available_at": now - ago, "finished_at": now - ago}
    Effect.objects.using(using).bulk_create(
        Effect(event_id=uuid4(), key=str(n), **{**moments, **row}) for n in range(number)
    )

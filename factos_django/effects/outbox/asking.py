"""How effects get into the outbox: in the transaction of their fact."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from factos_django.conf import conf
from factos_django.effects.announcing import PUBLISHERS, Outgoing, announce_effects
from factos_django.effects.reacting import Wanted
from factos_django.models import Effect
from factos_django.workers.leases import database_now

__all__ = ["GRACE_SECONDS", "ask", "ask_for_missing"]

#: A commit publishes its effects by itself. Relays leave them alone for so long (seconds), and then find
#: those that it did not publish: the process died, or the broker was away.
GRACE_SECONDS = 5.0

#: Rows of one INSERT.
_BATCH = 500


def ask(wanted: Sequence[Wanted], using: str) -> None:
    """Write ``wanted`` in the open transaction; its commit has them published."""
    if not wanted:
        return
    now = database_now(using)
    grace = GRACE_SECONDS if PUBLISHERS and conf.CELERY_NUDGE else 0.0
    made = Effect.objects.using(using).bulk_create(
        [_row(each, now, grace) for each in wanted], batch_size=_BATCH
    )
    announce_effects([Outgoing(row.pk, row.name) for row in made if row.available_at <= now], using)


def ask_for_missing(wanted: Sequence[Wanted], using: str) -> int:
    """Write those of ``wanted`` that were never asked for, in the open transaction; return their number.

    Relays publish them.
    """
    rows = Effect.objects.using(using)
    events = {each.event_id for each in wanted}
    known = set(rows.filter(event_id__in=events).values_list("event_id", "reactor", "name", "key"))
    missing = [each for each in wanted if (each.event_id, each.reactor, each.name, each.key) not in known]
    now = database_now(using)
    rows.bulk_create([_row(each, now, 0.0) for each in missing], batch_size=_BATCH, ignore_conflicts=True)
    return len(missing)


def _row(wanted: Wanted, now: datetime, grace: float) -> Effect:
    available = now + timedelta(seconds=wanted.delay)
    return Effect(
        event_id=wanted.event_id,
        reactor=wanted.reactor,
        name=wanted.name,
        key=wanted.key,
        position=wanted.position,
        version=wanted.version,
        data=wanted.data,
        created_at=now,
        ordering_key=wanted.ordering_key,
        holds=wanted.ordering_key is not None,
        available_at=available,
        publish_at=available if wanted.delay else now + timedelta(seconds=grace),
    )

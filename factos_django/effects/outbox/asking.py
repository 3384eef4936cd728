"""How effects get into the outbox: in the transaction of their fact."""

from __future__ import annotations

from collections.abc import Sequence

from factos_django.conf import conf
from factos_django.effects.announcing import PUBLISHERS, Outgoing, announce_effects
from factos_django.effects.reacting import Wanted
from factos_django.models import Effect
from factos_django.workers.leases import Moments

__all__ = ["GRACE_SECONDS", "ask", "ask_for_missing", "count_missing"]

#: A commit publishes its effects by itself. Relays leave them alone for so long (seconds), and then find
#: those that it did not publish: the process died, or the broker was away.
GRACE_SECONDS = 5.0

#: Rows of one INSERT, and characters: MariaDB's max_allowed_packet is 16 MiB.
_ROWS = 500
_CHARACTERS = 1_500_000


def ask(wanted: Sequence[Wanted], using: str) -> None:
    """Write ``wanted`` in the open transaction; its commit has them published."""
    if not wanted:
        return
    moments = Moments.of(using)
    grace = GRACE_SECONDS if PUBLISHERS and conf.CELERY_NUDGE else 0.0
    rows = [_row(each, moments, grace) for each in wanted]
    made = Effect.objects.using(using).bulk_create(rows, batch_size=_batch_size(wanted))
    at_once = [row for row, each in zip(made, wanted, strict=True) if not each.delay]
    announce_effects([Outgoing(row.pk, row.name) for row in at_once], using)


def ask_for_missing(wanted: Sequence[Wanted], using: str) -> int:
    """Write those of ``wanted`` that were never asked for, in the open transaction; return their number.

    Relays publish them.
    """
    missing, moments = _missing(wanted, using), Moments.of(using)
    rows = [_row(each, moments, 0.0) for each in missing]
    Effect.objects.using(using).bulk_create(rows, batch_size=_batch_size(missing), ignore_conflicts=True)
    return len(missing)


def count_missing(wanted: Sequence[Wanted], using: str) -> int:
    """Return how many of ``wanted`` were never asked for; write nothing."""
    return len(_missing(wanted, using))


def _missing(wanted: Sequence[Wanted], using: str) -> list[Wanted]:
    asked = Effect.objects.using(using).filter(
        event_id__in={each.event_id for each in wanted}, reactor__in={each.reactor for each in wanted}
    )
    known = set(asked.values_list("event_id", "reactor", "name", "key"))
    return [each for each in wanted if (each.event_id, each.reactor, each.name, each.key) not in known]


def _batch_size(wanted: Sequence[Wanted]) -> int:
    longest = max((len(each.data) for each in wanted), default=0)
    return max(1, min(_ROWS, _CHARACTERS // max(1, longest)))


def _row(wanted: Wanted, moments: Moments, grace: float) -> Effect:
    return Effect(
        event_id=wanted.event_id,
        reactor=wanted.reactor,
        name=wanted.name,
        key=wanted.key,
        position=wanted.position,
        version=wanted.version,
        data=wanted.data,
        created_at=moments.after(),
        ordering_key=wanted.ordering_key,
        holds=wanted.ordering_key is not None,
        available_at=moments.after(wanted.delay),
        publish_at=moments.after(wanted.delay or grace),
    )

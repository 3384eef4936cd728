"""What became of the announcements: what the outbox says, and what the provider of mail has on record."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from django.db import transaction
from django.db.models import QuerySet

from demo_project.ticketing.domain import every_ticket
from demo_project.ticketing.models import Mail, Mailbox
from factos_django.core.delivery import effect_key
from factos_django.models import Effect
from factos_django.store import read

__all__ = ["REACTOR", "announcements", "buyer_of", "make_trouble", "put_right", "unaccounted"]

REACTOR = "ticketing.announce"
EFFECT = "ticketing.AnnounceTicketSale"

_OPEN = (Effect.State.PENDING, Effect.State.RUNNING)


def announcements(*states: str) -> QuerySet[Effect]:
    """Return the rows of the outbox, in order; of these states, or those that are not finished."""
    return Effect.objects.filter(reactor=REACTOR, state__in=states or _OPEN).order_by("position")


def buyer_of(row: Effect) -> str:
    """Return whom it is for."""
    return str(json.loads(row.data)["buyer"])


def make_trouble() -> tuple[str, str] | None:
    """Choose a mailbox that is busy, and one that is unknown, among those that nothing was sent to yet.

    None if there are not two.
    """
    new = list(announcements().filter(attempts=0)[:2])
    if len(new) < 2:
        return None
    busy, unknown = map(buyer_of, new)
    with transaction.atomic():
        Mailbox.objects.update_or_create(buyer=busy, defaults={"turns_away": 2, "is_unknown": False})
        Mailbox.objects.update_or_create(buyer=unknown, defaults={"turns_away": 0, "is_unknown": True})
    return busy, unknown


def put_right(buyers: Iterable[str]) -> None:
    """Correct the addresses of ``buyers``."""
    Mailbox.objects.filter(buyer__in=list(buyers)).delete()


def unaccounted() -> Iterator[str]:
    """Yield what is wrong, in sentences: each ticket has one mail, and no mail is without a ticket.

    Which mails there have to be is computed from the log; the outbox is not asked.
    """
    expected = {effect_key(REACTOR, each.id, EFFECT, "0") for each in read(every_ticket())}
    sent = set(Mail.objects.values_list("key", flat=True))
    if missing := len(expected - sent):
        yield f"{missing} of {len(expected)} tickets are not announced"
    if phantom := len(sent - expected):
        yield f"{phantom} mails announce no ticket"

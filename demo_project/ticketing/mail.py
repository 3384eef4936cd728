"""A mail provider as the demo plays it: what it sends is in a table, and some mailboxes make trouble."""

from __future__ import annotations

from demo_project.ticketing.domain import AnnounceTicketSale
from demo_project.ticketing.models import Mail, Mailbox
from factos_django import Delivery

__all__ = ["MailboxBusy", "UnknownMailbox", "send_mail"]


class MailboxBusy(Exception):
    """The mailbox takes nothing now."""


class UnknownMailbox(Exception):
    """There is no such mailbox."""


def send_mail(effect: AnnounceTicketSale, delivery: Delivery) -> None:
    """Send it, once for each key: it may be asked twice, and would not know otherwise."""
    _refuse_trouble(effect.buyer, delivery)
    text = f"Your ticket for {effect.conference} is number {effect.position}."
    mail = {"conference": effect.conference, "buyer": effect.buyer, "text": text, "attempt": delivery.attempt}
    Mail.objects.using(delivery.using).get_or_create(key=delivery.key, defaults=mail)


def _refuse_trouble(buyer: str, delivery: Delivery) -> None:
    box = Mailbox.objects.using(delivery.using).filter(pk=buyer).first()
    if box is not None and box.is_unknown:
        raise UnknownMailbox(f"{buyer} has no mailbox")
    if box is not None and delivery.attempt <= box.turns_away:
        raise MailboxBusy(f"the mailbox of {buyer} turned attempt {delivery.attempt} away")

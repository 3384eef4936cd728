"""The tables of ticketing: projections of its facts, which nothing else writes, and those of mail."""

from __future__ import annotations

from django.db import models

from factos_django.models import ProjectionModel
from factos_django.models.fields import ExactCharField

__all__ = ["ConferenceSales", "Mail", "Mailbox", "SalesByHour"]

#: Room for each name that fits into a tag.
NAME_MAX_LENGTH = 255


class ConferenceSales(ProjectionModel):
    """What a conference has sold: written with the facts."""

    conference = ExactCharField(max_length=NAME_MAX_LENGTH, primary_key=True)
    capacity = models.BigIntegerField()
    sold = models.BigIntegerField()

    class Meta(ProjectionModel.Meta):
        verbose_name = "sales of a conference"
        verbose_name_plural = "sales of conferences"

    def __str__(self) -> str:
        return str(self.conference)

    @property
    def left(self) -> int:
        """How many tickets can still be sold."""
        return self.capacity - self.sold


class SalesByHour(ProjectionModel):
    """What a conference sold in one hour, which this holds the beginning of: written by a follower."""

    conference = ExactCharField(max_length=NAME_MAX_LENGTH)
    hour = models.DateTimeField()
    sold = models.BigIntegerField()

    class Meta(ProjectionModel.Meta):
        verbose_name = "sales of an hour"
        verbose_name_plural = "sales by hour"
        constraints = [
            models.UniqueConstraint(fields=["conference", "hour"], name="ticketing_hour_of_conference")
        ]

    def __str__(self) -> str:
        return f"{self.conference} {self.hour:%Y-%m-%d %H:%M}"


class Mail(models.Model):
    """A mail that was sent: what a provider would have on record, one for each idempotency key."""

    key = models.CharField(max_length=36, primary_key=True)
    conference = ExactCharField(max_length=NAME_MAX_LENGTH)
    buyer = ExactCharField(max_length=NAME_MAX_LENGTH)
    text = models.TextField()
    attempt = models.PositiveIntegerField()
    sent_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = "mail"
        verbose_name_plural = "mails"
        indexes = [models.Index(fields=["conference", "sent_at"], name="ticketing_mail_of_conference")]

    def __str__(self) -> str:
        return f"{self.buyer}: {self.text}"


class Mailbox(models.Model):
    """A buyer's mailbox that makes trouble. Those of all others take what comes."""

    buyer = ExactCharField(max_length=NAME_MAX_LENGTH, primary_key=True)
    #: So many attempts are turned away before one is let in.
    turns_away = models.PositiveIntegerField(default=0)
    is_unknown = models.BooleanField(default=False)

    class Meta:
        verbose_name = "mailbox"
        verbose_name_plural = "mailboxes"

    def __str__(self) -> str:
        return str(self.buyer)

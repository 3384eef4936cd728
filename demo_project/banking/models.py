"""The tables of banking: projections of its facts, which nothing else writes. Amounts are in cents."""

from __future__ import annotations

from django.db import models

from factos_django.models import ProjectionModel
from factos_django.models.fields import ExactCharField

__all__ = ["AccountBalance", "AccountMonth"]

#: Room for each name that fits into a tag.
NAME_MAX_LENGTH = 255


class AccountBalance(ProjectionModel):
    """What an account has: written with the facts."""

    account = ExactCharField(max_length=NAME_MAX_LENGTH, primary_key=True)
    balance = models.BigIntegerField()
    is_open = models.BooleanField()

    class Meta(ProjectionModel.Meta):
        verbose_name = "balance of an account"
        verbose_name_plural = "balances of accounts"

    def __str__(self) -> str:
        return str(self.account)


class AccountMonth(ProjectionModel):
    """What came and went in one month, which this holds the first day of: written by a follower."""

    account = ExactCharField(max_length=NAME_MAX_LENGTH)
    month = models.DateField()
    paid_in = models.BigIntegerField()
    paid_out = models.BigIntegerField()
    bookings = models.BigIntegerField()

    class Meta(ProjectionModel.Meta):
        verbose_name = "month of an account"
        verbose_name_plural = "months of accounts"
        constraints = [models.UniqueConstraint(fields=["account", "month"], name="banking_month_of_account")]

    def __str__(self) -> str:
        return f"{self.account} {self.month:%Y-%m}"

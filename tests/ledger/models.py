"""Projection tables of the tests, and tables of handlers."""

from django.db import models

from factos_django.models import ProjectionModel
from factos_django.models.fields import ExactCharField


class Balance(ProjectionModel):
    """What an account has: inline."""

    account = ExactCharField(max_length=64, primary_key=True)
    amount = models.BigIntegerField()
    moves = models.IntegerField()

    def __str__(self) -> str:
        return str(self.account)


class FollowedBalance(ProjectionModel):
    """The same, by a follower."""

    account = ExactCharField(max_length=64, primary_key=True)
    amount = models.BigIntegerField()
    moves = models.IntegerField()

    def __str__(self) -> str:
        return str(self.account)


class Turnover(ProjectionModel):
    """What moved between two accounts: a key of two fields, and values of many kinds; by a follower."""

    payer = ExactCharField(max_length=64)
    payee = ExactCharField(max_length=64)
    amount = models.DecimalField(max_digits=20, decimal_places=2)
    last_at = models.DateTimeField()
    last_memo = models.JSONField(null=True)

    class Meta(ProjectionModel.Meta):
        constraints = [models.UniqueConstraint(fields=["payer", "payee"], name="ledger_turnover_pair")]

    def __str__(self) -> str:
        return f"{self.payer} {self.payee}"


class Entry(models.Model):
    """A line for each transfer, written by an inline handler."""

    position = models.BigIntegerField()
    amount = models.BigIntegerField()

    def __str__(self) -> str:
        return str(self.position)


class FollowedEntry(models.Model):
    """The same, by a handler that follows."""

    position = models.BigIntegerField()
    amount = models.BigIntegerField()

    def __str__(self) -> str:
        return str(self.position)

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


class Specimen(ProjectionModel):
    """A column of each kind. No projection is registered for it: tests write it by themselves."""

    key = ExactCharField(max_length=20, primary_key=True)
    label = models.CharField(max_length=5)
    text = models.TextField()
    small = models.SmallIntegerField(null=True)
    whole = models.IntegerField(null=True)
    big = models.BigIntegerField(null=True)
    positive = models.PositiveIntegerField(null=True)
    amount = models.DecimalField(null=True, max_digits=12, decimal_places=2)
    ratio = models.FloatField(null=True)
    flag = models.BooleanField(null=True)
    moment = models.DateTimeField(null=True)
    day = models.DateField(null=True)
    clock = models.TimeField(null=True)
    span = models.DurationField(null=True)
    token = models.UUIDField(null=True)
    raw = models.BinaryField(null=True)
    data = models.JSONField(null=True)
    address = models.GenericIPAddressField(null=True)
    suit = models.CharField(max_length=10)
    rank = models.SmallIntegerField(null=True)
    owner = models.ForeignKey("auth.User", models.DO_NOTHING, null=True, db_constraint=False)

    def __str__(self) -> str:
        return str(self.key)


class Measurement(ProjectionModel):
    """A key of numbers and moments, which have several forms."""

    place = models.DecimalField(max_digits=10, decimal_places=2)
    moment = models.DateTimeField()
    device = models.UUIDField()
    value = models.IntegerField()

    class Meta(ProjectionModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["place", "moment", "device"], name="ledger_measurement_key")
        ]

    def __str__(self) -> str:
        return str(self.place)

"""The tables of billing: projections of its facts, which nothing else writes. Amounts are in cents."""

from __future__ import annotations

from django.db import models

from demo_project.billing.domain import Status
from factos_django.models import ProjectionModel
from factos_django.models.fields import ExactCharField

__all__ = ["BilledInvoice", "SeriesRevenue"]

#: Room for each name that fits into a tag.
NAME_MAX_LENGTH = 255


class BilledInvoice(ProjectionModel):
    """An invoice, and what became of it: written with the facts."""

    series = ExactCharField(max_length=NAME_MAX_LENGTH)
    number = models.BigIntegerField()
    customer = ExactCharField(max_length=NAME_MAX_LENGTH)
    amount = models.BigIntegerField()
    status = models.CharField(max_length=4, choices=[(each.value, each.value) for each in Status])

    class Meta(ProjectionModel.Meta):
        verbose_name = "invoice"
        verbose_name_plural = "invoices"
        constraints = [models.UniqueConstraint(fields=["series", "number"], name="billing_number_in_series")]

    def __str__(self) -> str:
        return f"{self.series}-{self.number}"

    @property
    def due(self) -> str:
        """The amount as it is typed into a form."""
        return f"{self.amount // 100}.{self.amount % 100:02}"


class SeriesRevenue(ProjectionModel):
    """What a series of invoices asks for, and what came of it: written by a follower."""

    series = ExactCharField(max_length=NAME_MAX_LENGTH, primary_key=True)
    issued = models.BigIntegerField()
    invoiced = models.BigIntegerField()
    paid = models.BigIntegerField()
    received = models.BigIntegerField()
    void = models.BigIntegerField()

    class Meta(ProjectionModel.Meta):
        verbose_name = "revenue of a series"
        verbose_name_plural = "revenues of series"

    def __str__(self) -> str:
        return str(self.series)

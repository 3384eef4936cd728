"""The tables of ticketing: projections of its facts, which nothing else writes."""

from __future__ import annotations

from django.db import models

from factos_django.models import ProjectionModel
from factos_django.models.fields import ExactCharField

__all__ = ["ConferenceSales", "SalesByHour"]

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

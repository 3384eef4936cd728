"""What the box office counts: projections of payments."""

from django.db import models

from factos_django.models import ProjectionModel
from factos_django.models.fields import ExactCharField


class Takings(ProjectionModel):
    """What came in for a conference."""

    conference = ExactCharField(max_length=100, primary_key=True)
    payments = models.IntegerField()
    euros = models.DecimalField(max_digits=12, decimal_places=2)

    class Meta(ProjectionModel.Meta):
        verbose_name = "takings of a conference"
        verbose_name_plural = "takings of conferences"

    def __str__(self) -> str:
        return str(self.conference)


class Guest(ProjectionModel):
    """What a buyer has paid for."""

    buyer = ExactCharField(max_length=100, primary_key=True)
    tickets = models.IntegerField()

    class Meta(ProjectionModel.Meta):
        verbose_name = "guest"
        verbose_name_plural = "guests"

    def __str__(self) -> str:
        return str(self.buyer)

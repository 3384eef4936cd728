"""The table of the benchmark's projection: four columns, and the position."""

from django.db import models

from factos_django.models import ProjectionModel
from factos_django.models.fields import ExactCharField


class Tally(ProjectionModel):
    subject = ExactCharField(max_length=64, primary_key=True)
    count = models.IntegerField()
    total = models.DecimalField(max_digits=20, decimal_places=2)
    last_at = models.DateTimeField()

    def __str__(self) -> str:
        return str(self.subject)

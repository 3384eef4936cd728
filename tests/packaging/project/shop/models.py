"""What pages read: a table of a projection."""

from django.db import models

from factos_django.models import ProjectionModel
from factos_django.models.fields import ExactCharField


class HallSales(ProjectionModel):
    hall = ExactCharField(max_length=50, primary_key=True)
    sold = models.IntegerField()

    def __str__(self) -> str:
        return str(self.hall)

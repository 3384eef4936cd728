"""The tables of the projections."""

from django.db import models

from factos_django.models import ProjectionModel
from factos_django.models.fields import ExactCharField


class ConferenceSales(ProjectionModel):
    conference = ExactCharField(max_length=64, primary_key=True)
    capacity = models.BigIntegerField()
    sold = models.BigIntegerField()


class Buyer(ProjectionModel):
    buyer = ExactCharField(max_length=64, primary_key=True)
    tickets = models.BigIntegerField()

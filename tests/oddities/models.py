"""Projection tables that are hard to compute beside themselves."""

from django.db import models
from django.db.models import F

from factos_django.models import ProjectionModel
from factos_django.models.fields import ExactCharField


class Choir(models.Model):
    """What a seat may point at."""

    name = models.CharField(max_length=40)

    def __str__(self) -> str:
        return str(self.name)


class Note(ProjectionModel):
    """A column of every kind, under names that have to be quoted."""

    title = ExactCharField(max_length=40, primary_key=True, db_column="Select From")
    text = models.TextField(db_column="Order")
    short = models.SmallIntegerField()
    amount = models.DecimalField(max_digits=12, decimal_places=2)
    share = models.FloatField()
    is_read = models.BooleanField()
    day = models.DateField()
    hour = models.TimeField()
    moment = models.DateTimeField()
    length = models.DurationField()
    token = models.UUIDField()
    facts = models.JSONField()
    blob = models.BinaryField()
    perhaps = models.IntegerField(null=True)

    class Meta(ProjectionModel.Meta):
        db_table = "Oddities-Notes That Have Every Kind Of Column And A Long Name"

    def __str__(self) -> str:
        return str(self.title)


class Seat(ProjectionModel):
    """A key beside the primary one; a column that the database computes; a foreign key; one more unique."""

    hall = ExactCharField(max_length=40)
    number = models.IntegerField()
    holder = ExactCharField(max_length=40, null=True, unique=True)
    choir = models.ForeignKey(Choir, models.DO_NOTHING, null=True)
    next_number = models.GeneratedField(
        expression=F("number") + 1, output_field=models.IntegerField(), db_persist=True
    )

    class Meta(ProjectionModel.Meta):
        constraints = [models.UniqueConstraint(fields=["hall", "number"], name="oddities_seat_place")]

    def __str__(self) -> str:
        return f"{self.hall} {self.number}"


class Desk(ProjectionModel):
    """A key beside the primary one, and before it a column that is unique and never null."""

    label = ExactCharField(max_length=40, unique=True)
    hall = ExactCharField(max_length=40)
    number = models.IntegerField()

    class Meta(ProjectionModel.Meta):
        constraints = [models.UniqueConstraint(fields=["hall", "number"], name="oddities_desk_place")]

    def __str__(self) -> str:
        return f"{self.hall} {self.number}"


class Tally(ProjectionModel):
    """A narrow table, to have many rows of."""

    title = ExactCharField(max_length=40, primary_key=True)
    number = models.BigIntegerField()

    def __str__(self) -> str:
        return str(self.title)

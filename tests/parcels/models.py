"""The projection of parcels: a rebuild reads their facts again, and nobody is told twice of it."""

from factos_django.models import ProjectionModel
from factos_django.models.fields import ExactCharField


class SentParcel(ProjectionModel):
    """Whose a parcel is."""

    parcel = ExactCharField(max_length=64, primary_key=True)
    buyer = ExactCharField(max_length=64)

    def __str__(self) -> str:
        return str(self.parcel)

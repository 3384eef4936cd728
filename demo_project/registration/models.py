"""The table of registration: a projection of its facts, which nothing else writes."""

from __future__ import annotations

from factos_django.models import ProjectionModel
from factos_django.models.fields import ExactCharField

__all__ = ["RegisteredMember"]

#: Room for each name that fits into a tag.
NAME_MAX_LENGTH = 255


class RegisteredMember(ProjectionModel):
    """Who is registered, and as what: written with the facts.

    Nothing here says that a name is unique. That no two members have one is decided before there is a row.
    """

    member = ExactCharField(max_length=NAME_MAX_LENGTH, primary_key=True)
    username = ExactCharField(max_length=NAME_MAX_LENGTH)
    folded = ExactCharField(max_length=NAME_MAX_LENGTH, db_index=True)

    class Meta(ProjectionModel.Meta):
        verbose_name = "registered member"
        verbose_name_plural = "registered members"

    def __str__(self) -> str:
        return str(self.username)

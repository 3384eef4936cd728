"""What factos finds when Django starts: event types, and the projection over them."""

from demo_project.registration.domain import every_registration, member_of, member_row
from factos_django.projections import projection

__all__ = ["members"]

members = projection(
    "registration.members",
    model="registration.RegisteredMember",
    mode="inline",
    query=every_registration(),
    key=member_of,
    view=member_row,
)

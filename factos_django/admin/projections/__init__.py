"""Where projections stand, and what can be done about it."""

from factos_django.admin.projections.projection_admin import ProjectionAdmin

__all__ = ["ProjectionAdmin"]

"""The admin of projections."""

from __future__ import annotations

from django.contrib import admin

from factos_django.admin.log_admin import LogAdmin
from factos_django.models import ProjectionState

__all__ = ["ProjectionAdmin"]


@admin.register(ProjectionState)
class ProjectionAdmin(LogAdmin):
    """Projections."""

"""Projections: tables that facts are folded into, kept up to date, checked and computed again."""

from factos_django.projections.declaration import projection, projection_handler

__all__ = ["projection", "projection_handler"]

"""The admin of tags."""

from __future__ import annotations

from django.contrib import admin

from factos_django.admin.log_admin import LogAdmin
from factos_django.models import Tag

__all__ = ["TagAdmin"]


@admin.register(Tag)
class TagAdmin(LogAdmin):
    """Tags. The history of one is its page."""

"""The admin of effects."""

from __future__ import annotations

from django.contrib import admin

from factos_django.admin.log_admin import LogAdmin
from factos_django.models import Effect

__all__ = ["EffectAdmin"]


@admin.register(Effect)
class EffectAdmin(LogAdmin):
    """Effects, newest first."""

"""In which time zone moments are shown, and asked for."""

from __future__ import annotations

from datetime import UTC, tzinfo

from django.conf import settings
from django.utils import timezone

__all__ = ["shown_zone"]


def shown_zone() -> tzinfo:
    """Return the current time zone. In a project without time zones moments are told in UTC."""
    return timezone.get_current_timezone() if settings.USE_TZ else UTC

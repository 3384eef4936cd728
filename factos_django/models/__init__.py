"""The tables of the app."""

from factos_django.models.guard_rows import Gate, LogGuard
from factos_django.models.log import Event, IdempotencyKey, Tag

__all__ = ["Event", "Gate", "IdempotencyKey", "LogGuard", "Tag"]

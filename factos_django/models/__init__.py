"""The tables of the app, and the base of the application's projection tables."""

from factos_django.models.effects import Effect, EffectAction
from factos_django.models.guard_rows import Gate, LogGuard
from factos_django.models.log import Event, IdempotencyKey, Tag
from factos_django.models.projection_model import ProjectionModel
from factos_django.models.projections import ParkedEvent, ProjectionRun, ProjectionState

__all__ = [
    "Effect",
    "EffectAction",
    "Event",
    "Gate",
    "IdempotencyKey",
    "LogGuard",
    "ParkedEvent",
    "ProjectionModel",
    "ProjectionRun",
    "ProjectionState",
    "Tag",
]

"""What is going on: the log, what holds it back, projections and effects. It changes nothing."""

from factos_django.status.effects import EffectCount, EffectsStatus, effects_status
from factos_django.status.health_check import Health, enough_for, health, health_of
from factos_django.status.holder import Holder
from factos_django.status.lag import Lag
from factos_django.status.log import LogStatus, log_status
from factos_django.status.overview import Status, status
from factos_django.status.projections import (
    LastError,
    ProjectionStatus,
    projection_status,
    projection_statuses,
    rows_position,
    unknown_projections,
)
from factos_django.status.rate import Minute, Rate, recent_rate
from factos_django.status.runs import Asked, LastRun, Run, Runs, projection_runs

__all__ = [
    "Asked",
    "EffectCount",
    "EffectsStatus",
    "Health",
    "Holder",
    "Lag",
    "LastError",
    "LastRun",
    "LogStatus",
    "Minute",
    "ProjectionStatus",
    "Rate",
    "Run",
    "Runs",
    "Status",
    "effects_status",
    "enough_for",
    "health",
    "health_of",
    "log_status",
    "projection_runs",
    "projection_status",
    "projection_statuses",
    "recent_rate",
    "rows_position",
    "status",
    "unknown_projections",
]

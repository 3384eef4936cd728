"""Celery: the only package that imports it."""

from factos_django.tasks.broker import remember_current
from factos_django.tasks.effect_task import EffectTask, effect_task
from factos_django.tasks.following import catch_up_task
from factos_django.tasks.nudging import nudge, nudge_effects
from factos_django.tasks.pruning import prune_effects_task
from factos_django.tasks.rebuilding import (
    ask_to_check,
    ask_to_rebuild,
    check_projection_task,
    rebuild_projection_task,
)
from factos_django.tasks.relaying import relay_effects_task

__all__ = [
    "EffectTask",
    "ask_to_check",
    "ask_to_rebuild",
    "catch_up_task",
    "check_projection_task",
    "effect_task",
    "nudge",
    "nudge_effects",
    "prune_effects_task",
    "rebuild_projection_task",
    "relay_effects_task",
    "remember_current",
]

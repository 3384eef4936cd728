"""What reactors asked for, what became of it, and what can be done about it."""

from factos_django.admin.effects.effect_admin import EffectAdmin

__all__ = ["EffectAdmin"]

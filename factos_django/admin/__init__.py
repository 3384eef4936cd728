"""Django's admin of the log: facts to browse, projections and effects to steer. Nothing of the log changes.

Its pages work for whoever subclasses them: unregister one of ours, and register your own.
"""

from factos_django.admin.effects import EffectAdmin
from factos_django.admin.events import EventAdmin
from factos_django.admin.log_admin import LogAdmin
from factos_django.admin.projections import ProjectionAdmin
from factos_django.admin.tags import TagAdmin

__all__ = ["EffectAdmin", "EventAdmin", "LogAdmin", "ProjectionAdmin", "TagAdmin"]

"""The app's configuration."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.db import connections, router
from django.db.models.signals import post_migrate
from django.utils.module_loading import autodiscover_modules
from django.utils.translation import gettext_lazy as _

__all__ = ["FactosConfig"]


class FactosConfig(AppConfig):
    """``factos_django`` in INSTALLED_APPS; ``factos`` in ``migrate factos`` and ``factos.view_event``."""

    name = "factos_django"
    label = "factos"
    verbose_name = _("Facts")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Connect what guards the log and what wakes its followers; import each app's ``factos.py``."""
        from factos_django import checks, tasks  # models can be imported from here on only
        from factos_django.effects.announcing import PUBLISHERS
        from factos_django.models.refusal import connect_refusal
        from factos_django.store.announcing import WAKERS
        from factos_django.workers.head_watch import wake_watch
        from factos_django.workers.waking import notify

        connect_refusal()
        tasks.remember_current()
        WAKERS.extend((notify, tasks.nudge, wake_watch))
        PUBLISHERS.append(tasks.nudge_effects)
        checks.register_checks()
        post_migrate.connect(_install, sender=self, dispatch_uid="factos.install")
        autodiscover_modules("factos")


def _install(using: str, **_: Any) -> None:
    """Put back functions and triggers that are missing, and write down which projections are new.

    The migration installs them, but a project may skip migrations in its tests, and SQLite drops
    triggers when a later migration makes a table anew.
    """
    from factos_django.models import Event, ProjectionState
    from factos_django.projections.states import ensure_states
    from factos_django.registry import PROJECTIONS
    from factos_django.sql.installation import install

    if not router.allow_migrate_model(using, Event):
        return
    if Event._meta.db_table in (tables := connections[using].introspection.table_names()):
        install(connections[using])
    if ProjectionState._meta.db_table in tables:
        ensure_states([each for each in PROJECTIONS if each.takes_part(using)], using)

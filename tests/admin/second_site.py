"""A project that registers subclasses of our admins in a site of its own, for the log of another database."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.urls import path

from factos_django.admin import EffectAdmin, EventAdmin, ProjectionAdmin, TagAdmin
from factos_django.models import Effect, Event, ProjectionState, Tag

__all__ = ["ANOTHER", "site", "urlpatterns"]

ANOTHER = "postgres"

site = admin.AdminSite(name="backstage")


class ShortEventAdmin(EventAdmin):
    """Positions, types and a column of the project's own."""

    using = ANOTHER
    list_display: Any = ("position", "type", "age")

    @admin.display(description="years")
    def age(self, event: Any) -> str:
        return f"recorded in {event.recorded_at.year}"


class OtherTagAdmin(TagAdmin):
    using = ANOTHER


class OtherProjectionAdmin(ProjectionAdmin):
    using = ANOTHER


class OtherEffectAdmin(EffectAdmin):
    using = ANOTHER


site.register(Event, ShortEventAdmin)
site.register(Tag, OtherTagAdmin)
site.register(ProjectionState, OtherProjectionAdmin)
site.register(Effect, OtherEffectAdmin)

urlpatterns = [path("admin/", admin.site.urls), path("backstage/", site.urls)]

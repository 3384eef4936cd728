"""The admin of events."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from factos_django.admin.events.event_list import EventChangeList
from factos_django.admin.log_admin import LogAdmin
from factos_django.models import Event

__all__ = ["EventAdmin"]


@admin.register(Event)
class EventAdmin(LogAdmin):
    """Facts, newest first. Their data are shown to whoever has ``factos.view_event_data``."""

    list_display = ("position", "recorded_at", "type", "tag_list", "summary")
    change_list_template = "admin/factos/event/change_list.html"

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[EventChangeList]:
        """Return what reads a page of the log."""
        return EventChangeList

    @admin.display(description=_("tags"))
    def tag_list(self, event: Any) -> str:
        """Return its tags."""
        return ", ".join(tag.value for tag in event.shown.tags)

    @admin.display(description=_("summary"))
    def summary(self, event: Any) -> str:
        """Return its data in one line."""
        return str(event.shown.summary)

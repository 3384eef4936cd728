"""The log, newest fact first, and the page of one fact."""

from factos_django.admin.events.event_admin import EventAdmin

__all__ = ["EventAdmin"]

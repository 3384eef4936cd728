"""The REST API: ``path("api/", include("factos_django.rest_framework.urls"))``."""

from factos_django.rest_framework.commands import CommandAPIView, CommandMixin, CommandSchema
from factos_django.rest_framework.permissions import ApiPermissions

__all__ = ["ApiPermissions", "CommandAPIView", "CommandMixin", "CommandSchema"]

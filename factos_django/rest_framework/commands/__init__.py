"""A project's own command endpoints: from a request to a decision, and to its answer."""

from factos_django.rest_framework.commands.command_schema import CommandSchema
from factos_django.rest_framework.commands.command_view import CommandAPIView
from factos_django.rest_framework.commands.handling import CommandMixin

__all__ = ["CommandAPIView", "CommandMixin", "CommandSchema"]

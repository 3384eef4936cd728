"""A view that is one command."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from factos_django.rest_framework.commands.command_schema import CommandSchema
from factos_django.rest_framework.commands.handling import CommandMixin
from factos_django.rest_framework.surface import ProblemAnswers

__all__ = ["CommandAPIView"]


class CommandAPIView(CommandMixin, ProblemAnswers):
    """Takes one command by POST, strictly, and answers every error by problem+json.

    ::

        class BuyTicketView(CommandAPIView):
            command = BuyTicket
            decider = ticket_sales
            query = sale_context

    Who may do it is said by REST framework's own attributes, ``permission_classes`` and the others; where
    the class names none they are the project's. FACTOS_API_PERMISSIONS is not asked. It runs inside of
    ATOMIC_REQUESTS.
    """

    schema = CommandSchema()

    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        # No docstring: it would stand in the project's description in the place of the view's.
        return self.handle_command(request)

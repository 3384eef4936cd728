"""Asking command endpoints, and what is the same for all tests of them."""

from __future__ import annotations

import json
from typing import Any

from rest_framework.renderers import BrowsableAPIRenderer, JSONRenderer
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory, force_authenticate
from rest_framework.views import APIView

from demo_project.ticketing.domain import (
    BuyTicket,
    sale_context,
    sale_facts,
    ticket_sales,
)
from factos_django import DomainError, Query
from factos_django.rest_framework import CommandAPIView, CommandMixin
from factos_django.store import read
from tests.rest.commands.urls import (
    BuyTicketView,
)

PROBLEM = "application/problem+json"
SALE = sale_facts("c")
TICKET = {"conference": "c", "buyer": "ada"}


def ask(view: Any, body: Any, user: Any = None, **headers: str) -> Any:
    """The answer of a view class, or of what ``as_view`` made, to a body."""
    handler = view.as_view() if hasattr(view, "as_view") else view
    text = body if isinstance(body, str) else json.dumps(body)
    request = APIRequestFactory().post("/", text, content_type="application/json", headers=headers)
    force_authenticate(request, user)
    return handler(request).render()


def said(answer: Any) -> Any:
    return json.loads(answer.content)


def facts(using: str) -> list[Any]:
    return [each.event for each in read(Query.all(), using=using)]


def a_view(**attributes: Any) -> type[CommandAPIView]:
    """A subclass of BuyTicketView with these attributes."""
    return type("AView", (BuyTicketView,), attributes)


class Odd(DomainError):
    """It is odd."""

    thing: Any


class Mixed(CommandMixin, APIView):
    """A view of the project's."""

    command = BuyTicket
    decider = ticket_sales
    query = sale_context
    renderer_classes = [JSONRenderer, BrowsableAPIRenderer]

    def post(self, request: Any) -> Response:
        return self.handle_command(request)

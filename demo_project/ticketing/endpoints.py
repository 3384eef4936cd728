"""The commands of ticketing over HTTP, and their addresses. In the demo anybody may send them."""

from __future__ import annotations

from django.urls import path
from rest_framework.permissions import AllowAny

from demo_project.ticketing.domain import (
    BuyTicket,
    OpenConference,
    conference_openings,
    opening_context,
    sale_context,
    ticket_sales,
)
from factos_django.rest_framework import CommandAPIView

__all__ = ["BuyTicketView", "OpenConferenceView"]


class OpenConferenceView(CommandAPIView):
    """Begins to sell the tickets of a conference."""

    command = OpenConference
    decider = conference_openings
    query = opening_context
    permission_classes = [AllowAny]


class BuyTicketView(CommandAPIView):
    """Sells one ticket of a conference to a buyer, unless it is sold out."""

    command = BuyTicket
    decider = ticket_sales
    query = sale_context
    permission_classes = [AllowAny]


app_name = "ticketing"

urlpatterns = [
    path("open-conference/", OpenConferenceView.as_view(), name="open-conference"),
    path("buy-ticket/", BuyTicketView.as_view(), name="buy-ticket"),
]

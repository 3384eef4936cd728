"""Command endpoints as a project has them, of the demo's ticket sale."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from django.contrib.auth.models import Group
from django.urls import include, path
from rest_framework import serializers
from rest_framework.authentication import SessionAuthentication
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter
from rest_framework.views import APIView
from rest_framework.viewsets import ViewSet

from demo_project.ticketing.domain import (
    BuyTicket,
    OpenConference,
    conference_openings,
    opening_context,
    sale_context,
    ticket_sales,
)
from factos_django import AppendCondition, Decider, Query
from factos_django.dispatch import Dispatched
from factos_django.rest_framework import CommandAPIView, CommandMixin, CommandSchema
from factos_django.store import append, database


class OpenConferenceView(CommandAPIView):
    """Opens a conference."""

    command = OpenConference
    decider = conference_openings
    query = opening_context
    permission_classes = [IsAuthenticated]


class BuyTicketView(CommandAPIView):
    """Sells a ticket to a buyer.

    To as many as it has.
    """

    command = BuyTicket
    decider = ticket_sales
    query = sale_context


def own_row(name: str) -> None:
    """Write a row of the project's own, beside the log."""
    Group.objects.using(database.database_for_writing(None)).create(name=name)


class NotedBuyTicketView(BuyTicketView):
    """Sells a ticket, and writes a row of its own first."""

    def perform_command(self, command: Any) -> Dispatched[Any]:
        own_row(f"ticket of {command.buyer}")
        return super().perform_command(command)


class ConflictView(BuyTicketView):
    """Finds that its context has moved, always."""

    def perform_command(self, command: Any) -> Dispatched[Any]:
        own_row("in vain")
        append([ticket_sales.decide(opened(), command)[0]], condition=AppendCondition(sale_context(command)))
        raise AssertionError("it has not moved")


def opened() -> Any:
    return ticket_sales.initial.__class__(capacity=1, sold=0)


class TicketSerializer(serializers.Serializer[Any]):
    """A ticket that is wanted."""

    buyer = serializers.CharField(max_length=20)
    seats = serializers.ListField(child=serializers.IntegerField(), default=list)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["buyer"] == "nobody":
            raise serializers.ValidationError("Nobody buys nothing.")
        return attrs


class BuyAtView(CommandAPIView):
    """Sells a ticket of the conference of the address."""

    command = TicketSerializer
    decider = ticket_sales
    query = sale_context

    def get_command(self, data: dict[str, Any]) -> BuyTicket:
        return BuyTicket(self.kwargs["conference"], data["buyer"])


class SaleViewSet(CommandMixin, ViewSet):
    """Conferences, as a view set has them."""

    schema = CommandSchema()

    @action(
        detail=False,
        methods=["post"],
        command=OpenConference,
        decider=conference_openings,
        query=opening_context,
    )
    def open(self, request: Request) -> Response:
        """Opens it."""
        return self.handle_command(request)

    @action(detail=False, methods=["post"], command=BuyTicket, decider=ticket_sales, query=sale_context)
    def buy(self, request: Request) -> Response:
        """Sells one."""
        return self.handle_command(request)


class PlainView(CommandMixin, APIView):
    """A view of the project's, with its manners."""

    schema = CommandSchema()
    command = BuyTicket
    decider = ticket_sales
    query = sale_context
    authentication_classes = [SessionAuthentication]

    def put(self, request: Request) -> Response:
        if request.query_params.get("lost"):
            raise NotFound
        own_row("plain")
        return self.handle_command(request)


@dataclass(frozen=True)
class Line:
    """One line of an order."""

    price: Decimal
    kind: Literal["seat"] = "seat"
    row: Literal["front", 7, None] = None


@dataclass(frozen=True)
class PlaceOrder:
    """An order of several lines."""

    lines: list[Line]
    between: tuple[int, str]
    note: str | None = None
    after: PlaceOrder | None = None
    extra: dict[str, int] = field(default_factory=dict)


nothing_to_do: Decider[Any, None, Any] = Decider(
    initial=None, decide=lambda state, command: [], evolve=lambda state, event: state
)


class PlaceOrderView(CommandAPIView):
    command = PlaceOrder
    decider = nothing_to_do
    query = Query.all()


router = SimpleRouter()
router.register("sale", SaleViewSet, basename="sale")

urlpatterns = [
    path("open/", OpenConferenceView.as_view()),
    path("buy/", BuyTicketView.as_view()),
    path("buy-noted/", NotedBuyTicketView.as_view()),
    path("buy-at/<str:conference>/", BuyAtView.as_view()),
    path("conflict/", ConflictView.as_view()),
    path("order/", PlaceOrderView.as_view()),
    path("plain/", PlainView.as_view()),
    path("", include(router.urls)),
]

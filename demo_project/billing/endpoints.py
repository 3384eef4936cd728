"""The commands of billing over HTTP, and their addresses. In the demo anybody may send them."""

from __future__ import annotations

from django.urls import path
from rest_framework.permissions import AllowAny

from demo_project.billing.domain import (
    IssueInvoice,
    PayInvoice,
    VoidInvoice,
    issuing_context,
    numbering,
    settlement,
    settlement_context,
)
from factos_django.rest_framework import CommandAPIView

__all__ = ["IssueInvoiceView", "PayInvoiceView", "VoidInvoiceView"]


class IssueInvoiceView(CommandAPIView):
    """Issues an invoice under the next number of its series. Amounts are whole cents."""

    command = IssueInvoice
    decider = numbering
    query = issuing_context
    permission_classes = [AllowAny]


class PayInvoiceView(CommandAPIView):
    """Takes the money of an invoice, all of it and at once, unless it is void or paid."""

    command = PayInvoice
    decider = settlement
    query = settlement_context
    permission_classes = [AllowAny]


class VoidInvoiceView(CommandAPIView):
    """Lets an invoice count no longer, unless it is paid. Its number stays taken."""

    command = VoidInvoice
    decider = settlement
    query = settlement_context
    permission_classes = [AllowAny]


app_name = "billing"

urlpatterns = [
    path("issue-invoice/", IssueInvoiceView.as_view(), name="issue-invoice"),
    path("pay-invoice/", PayInvoiceView.as_view(), name="pay-invoice"),
    path("void-invoice/", VoidInvoiceView.as_view(), name="void-invoice"),
]

"""Invoices. What became of them is read from a projection; what happened and lies behind, from the log."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import Count, Max, Min
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from demo_project.behind import Behind, behind
from demo_project.billing.domain import (
    IssueInvoice,
    PayInvoice,
    facts_of_invoice,
    invoices_issued,
    issuing_context,
    numbering,
    settlement,
    settlement_context,
)
from demo_project.billing.factos import revenue
from demo_project.billing.forms import ACTIONS, InvoiceForm, IssueForm, PayForm, SeriesForm
from demo_project.billing.models import BilledInvoice, SeriesRevenue
from demo_project.billing.month_end import AMOUNT, issue_at_once
from demo_project.crowd import CrowdForm
from demo_project.followed import applied
from demo_project.live import feed_of
from factos_django import InvalidTag
from factos_django.store import read

__all__ = ["home", "invoice", "series"]

SERIES_SHOWN = 20
INVOICES_SHOWN = 20

#: Whom the page asks about, before anybody has asked for something.
SOMEBODY = "renata"


@require_http_methods(["GET", "HEAD", "POST"])
def home(request: HttpRequest) -> HttpResponse:
    """The series of invoices; a POST issues one."""
    form = SeriesForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.sent(request) is not None:
        return redirect("billing:series", form.series)
    context = {
        "form": form,
        "all_series": _numbered()[:SERIES_SHOWN],
        "most": SERIES_SHOWN,
        "behind": form.behind() or _behind_issuing(form.series),
    }
    return render(request, "billing/home.html", context, status=form.status)


@require_http_methods(["GET", "HEAD", "POST"])
def series(request: HttpRequest, series: str) -> HttpResponse:
    """One series; a POST issues an invoice, or many at once (``crowd``). ``?parts``: what changes there."""
    numbered = _numbered_of(series)
    if "crowd" in request.POST:
        _issue_many(request, series)
        return redirect("billing:series", series)
    form = IssueForm(series, request.POST if request.method == "POST" else None)
    if form.is_bound and form.sent(request) is not None:
        return redirect("billing:series", series)
    context = {
        "series": series,
        "numbered": numbered,
        "invoices": BilledInvoice.objects.filter(series=series).order_by("-number")[:INVOICES_SHOWN],
        "most": INVOICES_SHOWN,
        "behind": form.behind() or _behind_issuing(series),
    }
    if "parts" in request.GET:
        return render(request, "billing/series_parts.html", context)
    context |= _around(series) | {"form": form}
    return render(request, "billing/series.html", context, status=form.status)


@require_http_methods(["GET", "HEAD", "POST"])
def invoice(request: HttpRequest, series: str, number: int) -> HttpResponse:
    """One invoice; a POST pays it (``amount``) or voids it (``void``)."""
    row = _row_of(series, number)
    form = None
    if request.method == "POST":
        form = _asked(request, row)
        if form is None:
            return redirect("billing:invoice", series, number)
    context = {
        "row": row,
        "facts": list(read(facts_of_invoice(series, number), backwards=True)),
        "pay": form if isinstance(form, PayForm) else PayForm(series, number, initial={"amount": row.due}),
        "behind": (form and form.behind()) or _behind_payment(row),
    }
    return render(request, "billing/invoice.html", context, status=form.status if form else 200)


def _asked(request: HttpRequest, row: BilledInvoice) -> InvoiceForm | None:
    """Do what a POST asks for. Return the form that is to be shown again; None: it is done."""
    asked = [form for name, form in ACTIONS.items() if name in request.POST]
    if not asked:
        raise Http404("There is no such thing to do.")
    form = asked[0](row.series, row.number, request.POST)
    return form if form.sent(request) is None else None


def _issue_many(request: HttpRequest, series: str) -> None:
    form = CrowdForm(request.POST)
    if not form.is_valid():
        messages.warning(request, f"Nothing was recorded: 2 to {CrowdForm.most} are issued at once.")
        return
    done = issue_at_once(series, form.cleaned_data["crowd"])
    (messages.success if done.is_as_it_should_be else messages.error)(request, done.in_words())


def _numbered() -> Any:
    """Return each series, with what tells whether a number is missing; those first that moved last."""
    told = {"count": Count("number"), "first": Min("number"), "last": Max("number")}
    found = BilledInvoice.objects.values("series").annotate(latest=Max("factos_position"), **told)
    return found.order_by("-latest")


def _numbered_of(series: str) -> dict[str, Any]:
    try:
        invoices_issued(series)
        numbered: dict[str, Any] | None = _numbered().filter(series=series).first()
    except InvalidTag as error:
        raise Http404("There is no such series.") from error
    if numbered is None:
        raise Http404("There is no such series.")
    return numbered


def _row_of(series: str, number: int) -> BilledInvoice:
    try:
        facts_of_invoice(series, number)
        row: BilledInvoice = BilledInvoice.objects.get(series=series, number=number)
    except (InvalidTag, BilledInvoice.DoesNotExist) as error:
        raise Http404("There is no such invoice.") from error
    return row


def _around(series: str) -> dict[str, Any]:
    """Return what stands around the parts that change."""
    until = applied(revenue.name)
    return {
        "crowd": CrowdForm(),
        "feed": feed_of(invoices_issued(series).items[0]),
        "applied": until,
        "revenue": SeriesRevenue.objects.filter(pk=series).first(),
    }


def _behind_issuing(series: str) -> Behind[Any, Any]:
    command = IssueInvoice(series, SOMEBODY, AMOUNT)
    return behind(command, decider=numbering, query=issuing_context)


def _behind_payment(row: BilledInvoice) -> Behind[Any, Any]:
    command = PayInvoice(row.series, row.number, row.amount)
    return behind(command, decider=settlement, query=settlement_context)

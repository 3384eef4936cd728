"""The ticket window. What is left is read from a projection, the rest from the log."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.db import router
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from demo_project.behind import behind
from demo_project.followed import applied
from demo_project.live import feed_of
from demo_project.ticketing.announced import announced
from demo_project.ticketing.domain import (
    BuyTicket,
    OpenConference,
    conference_openings,
    opening_context,
    sale_context,
    ticket_sales,
    tickets_sold,
)
from demo_project.ticketing.factos import sales_by_hour
from demo_project.ticketing.forms import BuyForm, OpenForm, StampedeForm
from demo_project.ticketing.models import ConferenceSales, SalesByHour
from demo_project.ticketing.sale import Sale
from demo_project.ticketing.stampede import AT_ONCE, stampede
from factos_django import DomainError, FactosError, InvalidTag
from factos_django.dispatch import dispatch
from factos_django.models import Event
from factos_django.store import read

__all__ = ["conference", "home", "stampede_at"]

TICKETS_SHOWN = 6
HOURS_SHOWN = 24

#: Who the visitor is, where the page asks what would be answered now.
YOU = "you"


@require_http_methods(["GET", "HEAD", "POST"])
def home(request: HttpRequest) -> HttpResponse:
    """The conferences; a POST opens one."""
    if request.method == "POST":
        return _open(request)
    context = {"conferences": ConferenceSales.objects.order_by("pk"), "form": OpenForm()}
    return render(request, "ticketing/home.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def conference(request: HttpRequest, conference: str) -> HttpResponse:
    """The window of one conference; a POST buys a ticket there. ``?parts``: only what changes there."""
    sales = _sales_of(conference)
    if request.method == "POST":
        return _buy(request, conference)
    context = {
        "sales": sales,
        "behind": behind(BuyTicket(conference, YOU), decider=ticket_sales, query=sale_context),
        "announced": announced(conference),
    }
    if "parts" in request.GET:
        return render(request, "ticketing/parts.html", context)
    return render(request, "ticketing/conference.html", context | _window(sales))


@require_POST
def stampede_at(request: HttpRequest, conference: str) -> HttpResponse:
    """Let many buyers in at once, and tell what came of it."""
    sales = _sales_of(conference)
    form = StampedeForm(request.POST)
    if not form.is_valid():
        _tell_invalid(request, form)
        return redirect("ticketing:conference", conference)
    sale = Sale(
        conference,
        attempts=form.cleaned_data["buyers"],
        concurrency=AT_ONCE,
        hold_seconds=0,
        using=router.db_for_write(Event),
    )
    done = stampede(sale)
    tell = messages.success if done.is_as_it_should_be(sales.capacity) else messages.error
    tell(request, done.in_words(sales.capacity))
    return redirect("ticketing:conference", conference)


def _open(request: HttpRequest) -> HttpResponse:
    form = OpenForm(request.POST)
    if not form.is_valid():
        _tell_invalid(request, form)
        return redirect("ticketing:home")
    command = OpenConference(**form.cleaned_data)

    def open_it() -> str:
        done = dispatch(command, decider=conference_openings, query=opening_context)
        return f"{command.conference} is open{'' if done.events else ' already'}."

    is_open = _told(request, open_it)
    return redirect("ticketing:conference", command.conference) if is_open else redirect("ticketing:home")


def _buy(request: HttpRequest, conference: str) -> HttpResponse:
    form = BuyForm(request.POST)
    if not form.is_valid():
        _tell_invalid(request, form)
        return redirect("ticketing:conference", conference)
    command = BuyTicket(conference, form.cleaned_data["buyer"])

    def buy_it() -> str:
        done = dispatch(command, decider=ticket_sales, query=sale_context)
        return f"A ticket is sold to {command.buyer}, as fact #{done.position}."

    _told(request, buy_it)
    return redirect("ticketing:conference", conference)


def _told(request: HttpRequest, work: Callable[[], str]) -> bool:
    """Do the work and tell what came of it, a refusal included; return whether it was done."""
    try:
        messages.success(request, work())
    except DomainError as refusal:
        messages.warning(request, f"Refused ({refusal.code}): {refusal}")
    except FactosError as error:  # it cannot be recorded, or not now; the message says what to do
        messages.error(request, f"{type(error).__name__}: {error}")
    else:
        return True
    return False


def _tell_invalid(request: HttpRequest, form: forms.Form) -> None:
    for name, errors in form.errors.items():
        label = form.fields[name].label or name.capitalize()
        messages.error(request, f"{label}: {' '.join(map(str, errors))}")


def _sales_of(conference: str) -> ConferenceSales:
    try:
        tickets_sold(conference)
        sales: ConferenceSales = ConferenceSales.objects.get(pk=conference)
    except (InvalidTag, ConferenceSales.DoesNotExist) as error:  # no tag can hold this name, or no fact does
        raise Http404("No such conference is open.") from error
    return sales


def _window(sales: ConferenceSales) -> dict[str, Any]:
    query = tickets_sold(sales.conference)
    tickets = list(read(query, backwards=True, limit=TICKETS_SHOWN))
    listed = tickets[0].position if tickets else 0
    until = applied(sales_by_hour.name)  # before the rows, so that they are no older than it says
    return {
        "feed": feed_of(query.items[0]),
        # The row is written with its fact, and the head may be behind it: the older one is followed from.
        "after": min(listed, sales.factos_position),
        "listed": listed,
        "tickets": tickets,
        "shown": TICKETS_SHOWN,
        "buy": BuyForm(),
        "stampede": StampedeForm(),
        "at_once": AT_ONCE,
        "applied": until,
        "hours": SalesByHour.objects.filter(conference=sales.conference).order_by("-hour")[:HOURS_SHOWN],
    }

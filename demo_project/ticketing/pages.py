"""Two pages that fold the facts as they are read. Nothing is stored for them, and they change nothing."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from demo_project.ticketing.domain import (
    Sales,
    every_sale,
    sale_facts,
    sales_by_conference,
    tickets_sold,
)
from factos_django import InvalidTag, Query, project
from factos_django.store import read

__all__ = ["conference", "home"]

TICKETS_SHOWN = 100


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """The conferences, each with its sold tickets and its capacity."""
    sales = _sales(every_sale())
    return render(request, "ticketing/home.html", {"sales": dict(sorted(sales.items()))})


@require_safe
def conference(request: HttpRequest, conference: str) -> HttpResponse:
    """One conference with its latest tickets."""
    try:
        window = _sales(sale_facts(conference))[conference]
    except (InvalidTag, KeyError) as error:  # no tag can hold this name, or no fact does
        raise Http404("No such conference is open.") from error
    tickets = list(read(tickets_sold(conference), backwards=True, limit=TICKETS_SHOWN))
    return render(
        request,
        "ticketing/conference.html",
        {"conference": conference, "window": window, "tickets": tickets, "shown": TICKETS_SHOWN},
    )


def _sales(query: Query) -> Sales:
    # Each request folds all the facts that it asks for; a projection would have done so before.
    return project(sales_by_conference, read(query))

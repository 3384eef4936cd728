"""Two pages that read the projections; the tickets themselves are read from the log. They change nothing."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from demo_project.ticketing.domain import tickets_sold
from demo_project.ticketing.factos import sales_by_hour
from demo_project.ticketing.models import ConferenceSales, SalesByHour
from factos_django import InvalidTag
from factos_django.models import ProjectionState
from factos_django.store import read

__all__ = ["conference", "home"]

TICKETS_SHOWN = 100
HOURS_SHOWN = 24


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """The conferences, each with its sold tickets and its capacity."""
    return render(request, "ticketing/home.html", {"conferences": ConferenceSales.objects.order_by("pk")})


@require_safe
def conference(request: HttpRequest, conference: str) -> HttpResponse:
    """One conference with its sales by hour and its latest tickets."""
    try:
        query = tickets_sold(conference)
        sales = ConferenceSales.objects.get(pk=conference)
    except (InvalidTag, ConferenceSales.DoesNotExist) as error:  # no tag can hold this name, or no fact does
        raise Http404("No such conference is open.") from error
    applied = _applied(sales_by_hour.name)  # before the rows, so that they are no older than it says
    context = {
        "sales": sales,
        "applied": applied,
        "hours": SalesByHour.objects.filter(conference=conference).order_by("-hour")[:HOURS_SHOWN],
        "tickets": list(read(query, backwards=True, limit=TICKETS_SHOWN)),
        "shown": TICKETS_SHOWN,
    }
    return render(request, "ticketing/conference.html", context)


def _applied(projection: str) -> int:
    """Return the position up to which its follower has applied the facts; 0 before it began."""
    state = ProjectionState.objects.filter(pk=projection).first()
    return state.position if state else 0

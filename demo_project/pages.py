"""The first page: what the idea is, and what each of the other pages shows."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse
from django.views.decorators.http import require_safe

__all__ = ["home"]


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the demo: the rule that it keeps, and what it shows."""

    name: str
    url_name: str
    rule: str
    shows: str

    @property
    def address(self) -> str:
        """Its address; empty where the project has left its app out."""
        try:
            return reverse(self.url_name)
        except NoReverseMatch:
            return ""


PAGES = (
    Page(
        "Tickets",
        "ticketing:home",
        "No conference sells more tickets than it has.",
        "A ticket window that counts down as others buy, and a stampede of buyers who all come at once.",
    ),
    Page(
        "Names",
        "registration:home",
        "No name is registered twice.",
        "A registration that holds a name for whoever was first, without a unique index.",
    ),
    Page(
        "Accounts",
        "banking:home",
        "No account spends more than it has.",
        "Accounts with their history, and transfers that depend on two accounts at once.",
    ),
    Page(
        "Invoices",
        "billing:home",
        "No invoice is paid after it was voided, and no number is left out.",
        "Invoices that are issued in sequence, paid or voided.",
    ),
)


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """The idea, and the way to each page."""
    return render(request, "home.html", {"pages": [page for page in PAGES if page.address]})

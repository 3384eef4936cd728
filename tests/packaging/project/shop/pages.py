"""A page that sells."""

from django.http import HttpRequest, HttpResponse

from .sale import buy


def sell(request: HttpRequest, hall: str, buyer: str) -> HttpResponse:
    return HttpResponse("sold" if buy(hall, buyer) else "full")

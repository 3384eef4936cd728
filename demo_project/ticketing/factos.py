"""What factos finds when Django starts: event types, projections over them, and what facts call for."""

from demo_project.ticketing.domain import (
    AnnounceTicketSale,
    announcements,
    conference_of,
    conference_sales,
    every_sale,
    every_ticket,
    hour_of,
    hour_sales,
)
from demo_project.ticketing.mail import UnknownMailbox, send_mail
from factos_django import Backoff, Delivery
from factos_django.effects import reactor
from factos_django.projections import projection
from factos_django.tasks import effect_task

__all__ = ["announce", "announce_ticket_sale", "sales", "sales_by_hour"]

sales = projection(
    "ticketing.sales",
    model="ticketing.ConferenceSales",
    mode="inline",
    query=every_sale(),
    key=conference_of,
    view=conference_sales,
)

sales_by_hour = projection(
    "ticketing.sales_by_hour",
    model="ticketing.SalesByHour",
    mode="async",
    query=every_ticket(),
    key=hour_of,
    key_fields=("conference", "hour"),
    view=hour_sales,
)

announce = reactor("ticketing.announce", query=every_ticket())(announcements)


# Quicker than a mail server wants it: whoever watches the demo does not wait for an hour.
@effect_task(
    AnnounceTicketSale,
    max_attempts=5,
    backoff=Backoff(first=0.5, factor=2.0, limit=60.0),
    fatal=(UnknownMailbox,),
    lease_seconds=10,
)
def announce_ticket_sale(effect: AnnounceTicketSale, delivery: Delivery) -> None:
    """Mail it to the buyer."""
    send_mail(effect, delivery)

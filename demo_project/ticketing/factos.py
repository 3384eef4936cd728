"""What factos finds when Django starts: the event types of the domain, and the projections over them."""

from demo_project.ticketing.domain import (
    conference_of,
    conference_sales,
    every_sale,
    every_ticket,
    hour_of,
    hour_sales,
)
from factos_django.projections import projection

__all__ = ["sales", "sales_by_hour"]

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

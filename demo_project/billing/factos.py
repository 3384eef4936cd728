"""What factos finds when Django starts: event types, and projections over them."""

from demo_project.billing.domain import (
    every_invoice,
    invoice_of,
    invoice_row,
    revenue_of_series,
    series_of,
)
from factos_django.projections import projection

__all__ = ["invoices", "revenue"]

# Whoever has just issued or paid an invoice sees it. That its key is unique follows from the facts: the
# constraint of the table is how the row is found.
invoices = projection(
    "billing.invoices",
    model="billing.BilledInvoice",
    mode="inline",
    query=every_invoice(),
    key=invoice_of,
    key_fields=("series", "number"),
    view=invoice_row,
)

# One row for all invoices of a series: written with the facts, each payment would wait for all others.
revenue = projection(
    "billing.revenue",
    model="billing.SeriesRevenue",
    mode="async",
    query=every_invoice(),
    key=series_of,
    view=revenue_of_series,
)

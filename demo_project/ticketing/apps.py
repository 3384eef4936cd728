"""The demo's application: it sells tickets for conferences."""

from django.apps import AppConfig


class TicketingConfig(AppConfig):
    """Its facts are in the log of factos; its models are projections of them."""

    name = "demo_project.ticketing"
    label = "ticketing"
    verbose_name = "Ticketing"

"""The demo's application: it sells tickets for conferences."""

from django.apps import AppConfig


class TicketingConfig(AppConfig):
    """Ticketing has no models: its facts are in the log of factos."""

    name = "demo_project.ticketing"
    label = "ticketing"
    verbose_name = "Ticketing"

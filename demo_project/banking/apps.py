"""The demo's third application: accounts with money in them, which moves from one to another."""

from django.apps import AppConfig


class BankingConfig(AppConfig):
    """Its facts are in the log of factos; its models are projections of them."""

    name = "demo_project.banking"
    label = "banking"
    verbose_name = "Banking"

"""The demo's fourth application: invoices, numbered without gaps, that are paid or void."""

from django.apps import AppConfig


class BillingConfig(AppConfig):
    """Its facts are in the log of factos; its models are projections of them."""

    name = "demo_project.billing"
    label = "billing"
    verbose_name = "Billing"

"""The demo's second application: members have usernames, each its own."""

from django.apps import AppConfig


class RegistrationConfig(AppConfig):
    """Its facts are in the log of factos; its models are projections of them."""

    name = "demo_project.registration"
    label = "registration"
    verbose_name = "Registration"

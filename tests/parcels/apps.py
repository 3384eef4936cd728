"""The app of parcels."""

from django.apps import AppConfig


class ParcelsConfig(AppConfig):
    name = "tests.parcels"
    label = "parcels"

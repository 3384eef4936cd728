from django.apps import AppConfig


class OdditiesConfig(AppConfig):
    name = "tests.oddities"
    label = "oddities"
    default_auto_field = "django.db.models.BigAutoField"

from django.apps import AppConfig


class BoxOfficeConfig(AppConfig):
    name = "tests.boxoffice"
    label = "boxoffice"
    verbose_name = "Box office"
    default_auto_field = "django.db.models.BigAutoField"

"""The project whose commands docs/reference/commands.md shows; its database is a file where it is run."""

import os

SECRET_KEY = "of a page"
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "factos_django", "ticketing"]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ.get("NAME", "page.sqlite3"),
        "OPTIONS": {"transaction_mode": "IMMEDIATE", "init_command": "PRAGMA journal_mode=WAL;"},
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
CELERY_BROKER_URL = os.environ.get("BROKER", "memory://")  # which takes messages, and forgets them
FACTOS_CELERY_NUDGE = False  # so the relay finds what is due

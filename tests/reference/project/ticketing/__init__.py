"""An app that sells tickets, and the project's Celery app."""

from celery import Celery

app = Celery("ticketing")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.set_default()

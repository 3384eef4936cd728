"""The Celery app of processes that tests start; CELERY_* in their environment are its settings."""

from celery import Celery

app = Celery("tests")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

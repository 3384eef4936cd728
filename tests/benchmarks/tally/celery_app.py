"""The Celery app of the benchmark: ``celery -A tests.benchmarks.tally.celery_app worker``."""

from celery import Celery

app = Celery("tally")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

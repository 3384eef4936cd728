"""The demo as an ASGI application."""

import os

from django.core.asgi import get_asgi_application

from demo_project.celery import app as celery_app

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "demo_project.settings")

__all__ = ["application", "celery_app"]

application = get_asgi_application()

"""The demo as a WSGI application."""

import os

from django.core.wsgi import get_wsgi_application

from demo_project.celery import app as celery_app

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "demo_project.settings")

__all__ = ["application", "celery_app"]

application = get_wsgi_application()

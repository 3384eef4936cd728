"""A project with the app, its admin and its API, in which nothing goes on with the facts.

The demo's settings without its contexts: no projection, no reactor, and the app's own permissions.
"""

from demo_project.settings import *  # noqa: F403
from demo_project.settings import INSTALLED_APPS as APPS_OF_THE_DEMO

INSTALLED_APPS = [each for each in APPS_OF_THE_DEMO if not each.startswith("demo_project.")]
ROOT_URLCONF = "tests.benchmarks.urls"
FACTOS_API_PERMISSIONS = "factos_django.rest_framework.permissions.ApiPermissions"

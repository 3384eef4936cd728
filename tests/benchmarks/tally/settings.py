"""The demo's settings, with this application."""

from demo_project.settings import *  # noqa: F403
from demo_project.settings import INSTALLED_APPS as APPS_OF_THE_DEMO

INSTALLED_APPS = [*APPS_OF_THE_DEMO, "tests.benchmarks.tally"]

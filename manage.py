#!/usr/bin/env python3
"""Runs the demo project's commands."""

import os
import sys

from django.core.management import execute_from_command_line

from demo_project.celery import app as celery_app

__all__ = ["celery_app"]

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "demo_project.settings")
    execute_from_command_line(sys.argv)

"""Plays a list of steps, JSON on the standard input, and prints what came of each command, as JSON.

A step is the name of a function of ``ticketing.story``, or the arguments of a command.
"""

import json
import os
import sys
from contextlib import redirect_stderr, redirect_stdout
from importlib import import_module
from io import StringIO

import django
from django.core.management import ManagementUtility

os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
django.setup()

story = import_module("ticketing.story")


def output_of(arguments: list[str]) -> tuple[int, str]:
    """The exit code of a command, and what it prints to both of its outputs."""
    printed, code = StringIO(), 0
    with redirect_stdout(printed), redirect_stderr(printed):
        try:
            ManagementUtility(["manage.py", *arguments]).execute()
        except SystemExit as end:
            code = int(end.code or 0)
    return code, printed.getvalue()


outcomes = []
for step in json.load(sys.stdin):
    if isinstance(step, str):
        getattr(story, step)()
    else:
        outcomes.append(output_of(step))
json.dump(outcomes, sys.stdout)

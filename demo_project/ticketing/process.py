"""The first step of a new process: this module imports no model, so a spawned process can load it."""

import django
from django.apps import apps
from django.utils.module_loading import import_string

__all__ = ["run_function"]


def run_function(path: str, *args: object) -> None:
    """Call the function at the dotted ``path``, after Django is set up (a forked process has it)."""
    if not apps.ready:
        django.setup()
    import_string(path)(*args)

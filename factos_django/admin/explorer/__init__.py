"""A query of the log, built in a form: what it matches, and how it is said in Python and in JSON."""

from factos_django.admin.explorer.address import explorer_query_string
from factos_django.admin.explorer.explorer_admin import ExplorerAdmin

__all__ = ["ExplorerAdmin", "explorer_query_string"]

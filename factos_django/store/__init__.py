"""The store: facts in, facts out. One package writes the tables of the log, and this is it."""

from factos_django.store.appending import aappend, append
from factos_django.store.contexts import read_context
from factos_django.store.heads import head
from factos_django.store.reading import aread, read

__all__ = ["aappend", "append", "aread", "head", "read", "read_context"]

"""Which database the log is in."""

from __future__ import annotations

from django.db import router

from factos_django.models import Event

__all__ = ["database_for_writing"]


def database_for_writing(using: str | None) -> str:
    """Return ``using``, or the alias to which the project's routers write events.

    Reads go there too: the stable head exists only on the server that appends.
    """
    return using or router.db_for_write(Event)

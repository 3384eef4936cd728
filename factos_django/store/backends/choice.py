"""Which backend a database gets."""

from __future__ import annotations

from django.db import connections

from factos_django.store.backends.contract import Backend
from factos_django.store.backends.portable import UnderGuardRow
from factos_django.store.backends.postgresql import ByFunctions

__all__ = ["backend_for"]


def backend_for(using: str) -> Backend:
    """Return the backend of the database ``using``, by its vendor."""
    return ByFunctions() if connections[using].vendor == "postgresql" else UnderGuardRow()

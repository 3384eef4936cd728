"""A text column that compares byte for byte on every database."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

__all__ = ["ExactCharField"]

# MariaDB's default collations say 'A' = 'a' and 'e' = 'é', and even utf8mb4_bin says 'a' = 'a '.
_COLLATIONS = {"postgresql": "C", "sqlite": "BINARY", "mysql": "utf8mb4_nopad_bin"}


class ExactCharField(models.CharField):  # type: ignore[type-arg]  # django-stubs: generic, not at run time
    """A CharField in which case, accents, trailing spaces and every emoji count."""

    def db_parameters(self, connection: BaseDatabaseWrapper) -> dict[str, Any]:
        """Return the parameters of CharField with the collation of the vendor."""
        parameters: dict[str, Any] = dict(super().db_parameters(connection))
        return parameters | {"collation": self.db_collation or _COLLATIONS.get(connection.vendor)}

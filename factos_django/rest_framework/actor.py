"""Who sends a request, as an ``actor`` in metadata is named."""

from __future__ import annotations

from rest_framework.request import Request

__all__ = ["actor_of"]


def actor_of(request: Request) -> str | None:
    """Return the primary key of the user, as text; None for nobody, and for a user who has none."""
    key = getattr(request.user, "pk", None)  # a user may be None, or of any class
    return None if key is None else str(key)

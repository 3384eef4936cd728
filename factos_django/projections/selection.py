"""Which projections a caller means, in one database."""

from __future__ import annotations

from collections.abc import Sequence

from factos_django.core.errors import ProjectionElsewhere
from factos_django.projections.declaration import Projection, projection_named
from factos_django.registry import followers

__all__ = ["here", "selected"]


def selected(names: Sequence[str], using: str) -> list[Projection]:
    """Return the projections ``names``, or all that follow the log of ``using`` where none is named.

    Raises:
        UnknownProjection: No projection has this name.
        ProjectionElsewhere: It has no table in ``using``.
    """
    return [here(name, using) for name in dict.fromkeys(names)] if names else followers(using)


def here(name: str, using: str) -> Projection:
    """Return the projection ``name``, which is in the database ``using``; raise as ``selected`` does."""
    found = projection_named(name)
    if not found.takes_part(using):
        raise ProjectionElsewhere(name=name, using=using)
    return found

"""The names of event types, effects, projections and reactors."""

from __future__ import annotations

import re

from factos_django.core.errors import InvalidName

__all__ = ["NAME_MAX_LENGTH", "checked_name"]

NAME_MAX_LENGTH = 100

_NAME = re.compile(rf"[A-Za-z0-9._:-]{{1,{NAME_MAX_LENGTH}}}")


def checked_name(name: object) -> str:
    """Return ``name`` if it can name a stored thing; raise InvalidName otherwise.

    The narrow alphabet keeps names alike on every database, in URLs and in Celery task names.
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise InvalidName(name=name)
    return name

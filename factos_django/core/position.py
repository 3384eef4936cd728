"""Positions: where an event stands in the log."""

from __future__ import annotations

from factos_django.core.errors import InvalidPosition

__all__ = ["LAST_POSITION", "checked_position"]

#: The highest position that a BIGINT column holds.
LAST_POSITION = 2**63 - 1


def checked_position(position: object) -> int:
    """Return ``position`` if it is a whole number from 0 to 2**63 - 1; raise InvalidPosition otherwise."""
    if isinstance(position, bool) or not isinstance(position, int) or not 0 <= position <= LAST_POSITION:
        raise InvalidPosition(position=position)
    return position

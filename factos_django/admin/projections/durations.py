"""Durations in words."""

from __future__ import annotations

from django.utils.translation import gettext

__all__ = ["duration_in_words"]

_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400


def duration_in_words(seconds: float) -> str:
    """Return a duration (seconds) in its largest unit of which there are two at least, rounded down."""
    if seconds < 2 * _MINUTE:
        return gettext("%(number)d s") % {"number": seconds}
    if seconds < 2 * _HOUR:
        return gettext("%(number)d min") % {"number": seconds / _MINUTE}
    if seconds < 2 * _DAY:
        return gettext("%(number)d h") % {"number": seconds / _HOUR}
    return gettext("%(number)d days") % {"number": seconds / _DAY}

"""Numbers and spans of time as pages show them, in the user's language."""

from __future__ import annotations

from django.utils.formats import number_format
from django.utils.translation import gettext as _

__all__ = ["amount", "span"]

_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400


def amount(number: int, *, is_more: bool = False, is_about: bool = False) -> str:
    """Return a number of things with its thousands apart; ``1,000+`` where they were not all counted."""
    text = number_format(number, force_grouping=True)
    if is_about:
        return _("about %(number)s") % {"number": text}
    return f"{text}+" if is_more else text


def span(seconds: float) -> str:
    """Return a span of time in the one unit that says most: ``90 s``, ``12 min``, ``5 h``, ``3 d``."""
    if seconds < 2 * _MINUTE:
        return _("%(number)s s") % {"number": amount(round(seconds))}
    if seconds < 2 * _HOUR:
        return _("%(number)s min") % {"number": amount(round(seconds / _MINUTE))}
    if seconds < 2 * _DAY:
        return _("%(number)s h") % {"number": amount(round(seconds / _HOUR))}
    return _("%(number)s d") % {"number": amount(round(seconds / _DAY))}

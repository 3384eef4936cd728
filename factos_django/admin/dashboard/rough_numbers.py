"""Numbers that may be about."""

from __future__ import annotations

from django.utils.translation import gettext as _

from factos_django.admin.projections.numbers import grouped

__all__ = ["roughly"]


def roughly(number: int, *, is_about: bool) -> str:
    """Return ``number`` as pages show it, and that it is about, if it is."""
    return _("about %(number)s") % {"number": grouped(number)} if is_about else grouped(number)

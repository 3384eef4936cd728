"""Filters of the list of facts."""

from __future__ import annotations

from factos_django.admin.events.asked import Asked
from factos_django.admin.form_filter import FormFilter

__all__ = ["EventFilter"]


class EventFilter(FormFilter):
    """A filter of facts. Subclass it, and name it in ``list_filter`` of an EventAdmin."""

    def narrow(self, asked: Asked) -> Asked:
        """Return what meets ``asked`` and this filter; add to ``problems`` what cannot be understood."""
        return asked

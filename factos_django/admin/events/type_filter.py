"""Facts of some types."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from factos_django.admin.events.asked import Asked
from factos_django.admin.events.event_filter import EventFilter
from factos_django.core.errors import InvalidName
from factos_django.core.event_types import EVENT_TYPES
from factos_django.core.naming import checked_name
from factos_django.store.names import types_beside

__all__ = ["TypeFilter"]

#: So many types may be chosen at once: a page is read for each of them, and merged.
_MOST_CHOSEN = 20
#: So many types that no code declares are offered (types).
_MOST_UNKNOWN = 100


class TypeFilter(EventFilter):
    """Facts of any of the types that are chosen: those that the code declares, and others of the log."""

    title = gettext_lazy("type")
    template = "admin/factos/event/type_filter.html"
    parameters = ("type",)

    def narrow(self, asked: Asked) -> Asked:
        """Return what is of one of these types besides."""
        chosen = set(self.given["type"])
        if len(chosen) > _MOST_CHOSEN:
            self.problems.append(_("Choose at most %(most)d types at once.") % {"most": _MOST_CHOSEN})
            return asked
        try:
            return asked.of_types(map(checked_name, chosen))
        except InvalidName as error:
            self.problems.append(_("“%(name)s” is no name of a type.") % {"name": str(error.name)[:100]})
            return asked

    def shown(self, changelist: Any) -> dict[str, Any]:
        """Return the types that can be chosen, those that are chosen first."""
        declared = [each.name for each in EVENT_TYPES]
        others = types_beside(declared, limit=_MOST_UNKNOWN, using=self.model_admin.alias)
        chosen = [] if self.problems else self.given["type"]
        names = sorted({*declared, *others, *chosen}, key=lambda name: (name not in chosen, name))
        return {"types": [(name, name in chosen) for name in names]}

"""Facts that have some tags."""

from __future__ import annotations

from typing import Any

from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from factos_django.admin.events.asked import Asked
from factos_django.admin.events.event_filter import EventFilter
from factos_django.conf import conf
from factos_django.core.errors import InvalidTag
from factos_django.core.tag import checked_tags

__all__ = ["TagFilter"]


class TagFilter(EventFilter):
    """Facts that have all of the tags: one input adds a tag, and each can be taken away again."""

    title = gettext_lazy("tags")
    template = "admin/factos/event/tag_filter.html"
    parameters = ("tag",)

    def narrow(self, asked: Asked) -> Asked:
        """Return what has these tags besides."""
        try:
            return asked.with_tags(checked_tags(self.given["tag"]))
        except InvalidTag:
            self.problems.append(_("A tag has 1 to 255 characters, and no control characters."))
            return asked

    def shown(self, changelist: Any) -> dict[str, Any]:
        """Return the tags, each with the address of the list without it, and where to ask for more."""
        tags = list(dict.fromkeys(self.given["tag"]))[: conf.MAX_TAGS]
        return {
            "tags": [(tag, _without(tag, tags, changelist)) for tag in tags],
            "complete_url": self._complete_url(),
        }

    def _complete_url(self) -> str | None:
        if not self.model_admin.may(self.request, "view_tag"):
            return None
        try:
            return reverse("admin:factos_tag_complete", current_app=self.model_admin.admin_site.name)
        except NoReverseMatch:  # of a site without our TagAdmin
            return None


def _without(tag: str, tags: list[str], changelist: Any) -> str:
    others = [each for each in tags if each != tag]
    return str(changelist.get_query_string({"tag": others or None}))

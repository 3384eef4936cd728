"""Reading a page of the log for the admin."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from factos_django.admin.events.asked import Asked
from factos_django.admin.events.event_filter import EventFilter
from factos_django.admin.events.held_head import HeldHead, held_head
from factos_django.admin.events.search import parsed_search
from factos_django.admin.events.searching import narrowed, problems_of
from factos_django.admin.facts import shown_events
from factos_django.admin.keyset import Found, KeysetChangeList
from factos_django.conf import conf
from factos_django.store.stored import stored_page

__all__ = ["EventChangeList"]

#: A page looks at about so many facts at most that may match, and do not (rows).
_MOST_LOOKED_AT = 400


class EventChangeList(KeysetChangeList):
    """A page of facts, those above the stable head included.

    Attributes:
        asked: What all filters and the search ask for.
        sees_data: Whether the user may see the data of facts.
        matches_nothing: Whether what is asked for was not understood, or contradicts itself.
    """

    asked: Asked
    _head: int | None = None
    sees_data: bool
    matches_nothing: bool

    def get_queryset(
        self, request: HttpRequest, exclude_parameters: list[str | None] | None = None
    ) -> QuerySet[Any]:
        """Find out what is asked for. The facts are read by ``found``, and not by the queryset."""
        admin: Any = self.model_admin
        queryset = super().get_queryset(request, exclude_parameters)
        search = parsed_search(self.query)
        self.sees_data = admin.may(request, "view_event_data")
        self.asked = narrowed(self._filtered(), search)
        self.problems += problems_of(search)
        if len(self.asked.tags) > conf.MAX_TAGS:
            self.problems.append(_("At most %(most)d tags are looked for at once.") % {"most": conf.MAX_TAGS})
        self.matches_nothing = bool(self.problems) or self.asked.is_impossible
        return queryset

    def _filtered(self) -> Asked:
        asked = Asked()
        for spec in self.filter_specs:
            if isinstance(spec, EventFilter):
                asked = spec.narrow(asked)
                self.problems += spec.problems
        return asked

    @cached_property
    def held(self) -> HeldHead | None:
        """What keeps facts from being followed; None where nothing does, or no facts were looked for."""
        admin: Any = self.model_admin
        return None if self._head is None else held_head(self._head, admin.alias)

    def found(self, *, before: int | None, after: int | None, limit: int) -> Found:
        """Return the facts that all filters and the search ask for; none for what was not understood."""
        if self.matches_nothing:
            return Found([], is_cut=False)
        admin: Any = self.model_admin
        page = stored_page(
            self.asked.query,
            after=after or 0,
            before=before,
            limit=limit,
            backwards=after is None,
            filters=self.asked.filters,
            beyond_head=True,
            most_looked_at=_MOST_LOOKED_AT,
            using=admin.alias,
        )
        self._head = page.head
        events = shown_events(page.events, page.head, admin.alias, with_data=self.sees_data)
        return Found(events, page.is_cut, page.looked_to)

"""Reading a page of the log for the admin."""

from __future__ import annotations

from typing import Any

from factos_django.admin.facts import shown_events
from factos_django.admin.keyset import Found, KeysetChangeList
from factos_django.core.query import Query
from factos_django.store.stored import stored_page

__all__ = ["EventChangeList"]


class EventChangeList(KeysetChangeList):
    """A page of facts, those above the stable head included."""

    def found(self, *, before: int | None, after: int | None, limit: int) -> Found:
        """Return the facts that all filters and the search ask for."""
        admin: Any = self.model_admin
        using = admin.alias
        page = stored_page(
            Query.all(),
            after=after or 0,
            before=before,
            limit=limit,
            backwards=after is None,
            beyond_head=True,
            using=using,
        )
        events = shown_events(page.events, page.head, using, with_data=True)
        return Found(events, page.is_cut, page.looked_to)

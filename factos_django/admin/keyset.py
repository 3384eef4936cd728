"""Lists that are read by where a page begins, and not by its number: nothing is counted, nothing skipped.

Newest first. ``?before=`` is the page below a row, ``?after=`` the one above it, and ``?after=0`` the last.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest

from factos_django.core.position import LAST_POSITION

__all__ = ["Found", "KeysetChangeList"]

BEFORE, AFTER = "before", "after"


@dataclass(frozen=True, slots=True)
class Found:
    """Rows of one page.

    Attributes:
        rows: From where the page begins, in the direction in which it is read.
        is_cut: There are more, which the limit left out.
        looked_to: It was not looked beyond this key, and there may be more; None where all was looked at.
    """

    rows: Sequence[Any]
    is_cut: bool
    looked_to: int | None = None


class KeysetChangeList(ChangeList):
    """A ChangeList without numbers of pages and of results.

    Attributes:
        newest_url: The first page.
        newer_url: The page before this one; None on the first.
        older_url: The page after this one; None on the last.
        oldest_url: The last page; None on it.
        looked_to: The key that it was not looked beyond, if there may be more of what is searched for.
    """

    newest_url: str
    newer_url: str | None
    older_url: str | None
    oldest_url: str | None
    looked_to: int | None

    def found(self, *, before: int | None, after: int | None, limit: int) -> Found:
        """Return the rows below ``before`` from the highest down, or above ``after`` from the lowest up.

        Override it where the rows are not those of the queryset.
        """
        rows: QuerySet[Any] = self.queryset
        if after is not None:
            rows = rows.filter(pk__gt=after).order_by("pk")
        else:
            rows = (rows if before is None else rows.filter(pk__lt=before)).order_by("-pk")
        some = list(rows[: limit + 1])
        return Found(some[:limit], len(some) > limit)

    def get_filters_params(self, params: Any = None) -> Any:
        """Return the parameters that are filters' ones."""
        given = super().get_filters_params(params)
        return {name: value for name, value in given.items() if name not in (BEFORE, AFTER)}

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[Any]:
        """Return the one order that there is."""
        return ["-pk"]

    def get_results(self, request: HttpRequest) -> None:
        """Read the page."""
        before, after = self._key(BEFORE), self._key(AFTER)
        found = self.found(before=before, after=after, limit=self.list_per_page)
        is_upward = after is not None
        rows = list(reversed(found.rows)) if is_upward else list(found.rows)
        self._set_places(rows, found, before=before, after=after)
        self.looked_to = found.looked_to
        self.result_list: Any = rows
        self.result_count = self.full_result_count = len(rows)  # the same: no line about how many
        self.show_full_result_count = False
        self.show_admin_actions = bool(rows)
        self.can_show_all = self.multi_page = False
        self.paginator = Paginator(rows, max(1, len(rows)))

    def _set_places(self, rows: list[Any], found: Found, *, before: int | None, after: int | None) -> None:
        goes_on = found.is_cut or found.looked_to is not None
        has_newer = goes_on if after is not None else before is not None
        has_older = after > 0 if after is not None else goes_on
        if after is not None:
            newest = rows[0].pk if found.is_cut else found.looked_to
            oldest = rows[-1].pk if rows else after + 1
        else:
            newest = rows[0].pk if rows else (before or 1) - 1
            oldest = rows[-1].pk if found.is_cut else found.looked_to
        self.newest_url = str(self.get_query_string({}, [BEFORE, AFTER]))
        self.newer_url = self._at(AFTER, newest) if has_newer and newest is not None else None
        self.older_url = self._at(BEFORE, oldest) if has_older and oldest is not None else None
        self.oldest_url = self._at(AFTER, 0) if self.older_url else None

    def _at(self, parameter: str, key: int) -> str:
        return str(self.get_query_string({parameter: str(key)}, [BEFORE, AFTER]))

    def _key(self, parameter: str) -> int | None:
        text = self.params.get(parameter)
        if text is None:
            return None
        if not re.fullmatch("[0-9]{1,19}", text) or int(text) > LAST_POSITION:
            raise IncorrectLookupParameters(f"{parameter} is no number of a row")
        return int(text)

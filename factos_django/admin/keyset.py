"""Lists that are read by where a page begins, and not by its number: nothing is counted, nothing skipped.

Newest first. ``?before=`` is the page below a row, ``?after=`` the one above it, and ``?after=0`` the last.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.admin.views.main import ChangeList
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from factos_django.admin.form_filter import FormFilter
from factos_django.admin.repeated import Repeated
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

    @property
    def goes_on(self) -> bool:
        """Whether there are, or may be, more in the direction in which it is read."""
        return self.is_cut or self.looked_to is not None


class KeysetChangeList(ChangeList):
    """A ChangeList without numbers of pages and of results.

    Attributes:
        newest_url: The first page.
        newer_url: The page before this one; None on the first.
        older_url: The page after this one; None on the last.
        oldest_url: The last page; None on it.
        looked_to: The key that it was not looked beyond, if there may be more of what is searched for.
        is_upward: Whether the page was read from older rows to newer ones, so that ``looked_to`` is above it.
        problems: What of the address could not be understood, as sentences for whoever reads the page.
    """

    newest_url: str
    newer_url: str | None
    older_url: str | None
    oldest_url: str | None
    looked_to: int | None
    is_upward: bool
    problems: list[str]

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.title = str(capfirst(self.opts.verbose_name_plural))  # nobody is to select one

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

    def kept_by_filters(self) -> Iterator[tuple[str, str]]:
        """Yield what the address says beside the filters of the one form, for that form to say again."""
        asked = {
            name for spec in self.filter_specs if isinstance(spec, FormFilter) for name in spec.parameters
        }
        yield from ((name, value) for name, value in self.params.items() if name not in asked)

    def get_queryset(
        self, request: HttpRequest, exclude_parameters: list[str | None] | None = None
    ) -> QuerySet[Any]:
        """Return the rows that the filters leave, of all pages."""
        self.problems = []
        # Each other page, and each other filter, is the address of this one without its place; and an input
        # of a form that was left empty asks for nothing.
        said = {name: [each for each in values if each] for name, values in self.filter_params.items()}
        self.filter_params = {
            name: values for name, values in said.items() if values and name not in (BEFORE, AFTER)
        }
        self.params = Repeated(self.filter_params)
        return super().get_queryset(request, exclude_parameters)

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[Any]:
        """Return the one order that there is."""
        return ["-pk"]

    def get_results(self, request: HttpRequest) -> None:
        """Read the page."""
        before, after = self._key(request, BEFORE), self._key(request, AFTER)
        before = before if after is None else None  # a page begins at one place
        found = self.found(before=before, after=after, limit=self.list_per_page)
        if after is not None and not found.goes_on:  # it reaches the newest: show the first page, a full one
            before = after = None
            found = self.found(before=None, after=None, limit=self.list_per_page)
        self.is_upward, self.looked_to = after is not None, found.looked_to
        rows = list(reversed(found.rows)) if self.is_upward else list(found.rows)
        self._set_places(rows, found, before=before, after=after)
        self.result_list: Any = rows
        self.result_count = self.full_result_count = len(rows)  # the same: no line about how many
        self.show_full_result_count = False
        self.show_admin_actions = bool(rows)
        self.can_show_all = self.multi_page = False
        self.paginator = Paginator(rows, max(1, len(rows)))

    def _set_places(self, rows: list[Any], found: Found, *, before: int | None, after: int | None) -> None:
        newer: int | None  # the newer page is above this, the older one below that
        older: int | None
        if after is not None:
            newer = rows[0].pk if found.is_cut else found.looked_to
            older = (rows[-1].pk if rows else after + 1) if after > 0 else None
        else:
            newer = None if before is None else rows[0].pk if rows else max(before - 1, 0)
            older = rows[-1].pk if found.is_cut else found.looked_to
        self.newest_url = str(self.get_query_string())
        self.newer_url = self._at(AFTER, newer)
        self.older_url = self._at(BEFORE, older)
        self.oldest_url = None if older is None else self._at(AFTER, 0)

    def _at(self, parameter: str, key: int | None) -> str | None:
        return None if key is None else str(self.get_query_string({parameter: str(key)}))

    def _key(self, request: HttpRequest, parameter: str) -> int | None:
        text = request.GET.get(parameter)
        if not text:
            return None
        if re.fullmatch("[0-9]{1,19}", text) and int(text) <= LAST_POSITION:
            return int(text)
        self.problems.append(_("The address does not say where the page begins. This is the first one."))
        return None

"""Filters that are asked for in a form, beside a list."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib.admin import ListFilter
from django.db.models import QuerySet
from django.http import HttpRequest

__all__ = ["FORM", "FormFilter"]

#: The id of the one form of all filters: an input of a filter names it (``form="..."``), wherever it stands.
FORM = "factos-filter-form"


class FormFilter(ListFilter):
    """A filter whose template has inputs of the one form, so that all of them are asked for at once.

    Attributes:
        parameters: The names that it takes from the address.
        given: The values of each of these names, in their order; none for a name that is not there.
        problems: What of them could not be understood, as sentences. What has a problem matches nothing.
    """

    parameters: tuple[str, ...] = ()

    def __init__(
        self, request: HttpRequest, params: dict[str, list[str]], model: Any, model_admin: Any
    ) -> None:
        super().__init__(request, params, model, model_admin)
        self.model_admin = model_admin
        self.problems: list[str] = []
        self.given: dict[str, list[str]] = {name: params.pop(name, []) for name in self.parameters}

    def one(self, name: str) -> str:
        """Return the last value of ``name``, empty for none."""
        return self.given[name][-1] if self.given[name] else ""

    def has_output(self) -> bool:
        """Show it always: an input needs no choices."""
        return True

    def expected_parameters(self) -> list[str | None]:
        """Return the names that it takes."""
        return list(self.parameters)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any] | None:
        """Leave the rows as they are; override it where the list is read by a queryset."""
        return None

    def choices(self, changelist: Any) -> Iterator[dict[str, Any]]:
        """Yield what the template shows, as one thing: ``choices.0``."""
        yield {"form": FORM, **self.shown(changelist)}

    def shown(self, changelist: Any) -> dict[str, Any]:
        """Return what the template of this filter needs."""
        return {}

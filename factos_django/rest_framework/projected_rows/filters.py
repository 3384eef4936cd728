"""Filters of a projection's rows, made from the columns of its model.

Each column has ``<name>`` (equal) and ``<name>__in`` (any of several, which may stand there several times);
one whose values have an order ``__gt``, ``__gte``, ``__lt`` and ``__lte``; one that can be null ``__isnull``.
There are no others, so no lookup is the client's own.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django_filters import Filter, FilterSet

from factos_django.conf import conf
from factos_django.projections.rows.columns import Column, Refusal
from factos_django.rest_framework.projected_rows.values import ORDERED, PARSED, parsed_value
from factos_django.rest_framework.refusals import InvalidParameter

__all__ = ["RowFilters", "filters_of"]

_COMPARED = ("gt", "gte", "lt", "lte")


class Repeated(forms.Widget):
    """Reads all values of a parameter."""

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Sequence[str]:
        """Return them."""
        values: Sequence[str] = data.getlist(name)
        return values


class ValueField(forms.Field):
    """Values of one column, as an address holds them: of one that stands there once, or of several."""

    widget = Repeated

    def __init__(self, *, column: Column, using: str, most: int = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.column, self.using, self.most = column, using, most

    def clean(self, value: Any) -> Any:
        """Return what the rows are compared with; None where nothing is asked for."""
        if len(value) > self.most:
            raise ValidationError(f"it stands there {len(value)} times, of {self.most} allowed")
        try:
            found = [parsed_value(self.column, text, self.using) for text in value]
        except Refusal as refusal:
            raise ValidationError(str(refusal)) from refusal
        return found or None


class NullField(ValueField):
    """Whether a column holds nothing."""

    def clean(self, value: Any) -> Any:
        """Return it in a list; None where it is not asked for."""
        if any(text not in ("true", "false") for text in value):
            raise ValidationError("true or false is wanted")
        if len(value) > 1:
            raise ValidationError(f"it stands there {len(value)} times")
        return [value[0] == "true"] if value else None


class ValueFilter(Filter):  # type: ignore[misc]  # django-filter has no types
    """One comparison with one column."""

    field_class = ValueField

    def filter(self, qs: models.QuerySet[Any], value: list[Any] | None) -> models.QuerySet[Any]:
        """Return the rows for which it holds."""
        if value is None:
            return qs
        wanted = value if self.lookup_expr == "in" else value[0]
        return qs.filter(**{f"{self.field_name}__{self.lookup_expr}": wanted})


class NullFilter(ValueFilter):
    """Whether one column holds nothing."""

    field_class = NullField


class RowFilters(FilterSet):  # type: ignore[misc]  # as above
    """The filters of one table."""

    def found(self) -> models.QuerySet[Any]:
        """Return the rows that are asked for; raise InvalidParameter."""
        for name, errors in self.form.errors.items():
            raise InvalidParameter(f"Parameter {name!r} was refused: {' '.join(map(str, errors))}.")
        rows: models.QuerySet[Any] = self.qs
        return rows


def filters_of(model: type[models.Model], using: str, *, reserved: Collection[str]) -> type[RowFilters]:
    """Return the filters of ``model`` in the database ``using``.

    A column whose name is ``reserved`` for the address itself is asked for by ``<name>__exact``.
    """
    return type(f"{model.__name__}Filters", (RowFilters,), dict(_filters(model, using, reserved)))


def _filters(
    model: type[models.Model], using: str, reserved: Collection[str]
) -> Iterator[tuple[str, ValueFilter]]:
    for field in model._meta.concrete_fields:
        column = Column(field)
        name = column.name
        if isinstance(column.target, PARSED):
            said = f"{name}__exact" if name in reserved else name
            yield said, _filter(ValueFilter, column, "exact", using)
            yield f"{name}__in", _filter(ValueFilter, column, "in", using, most=conf.MAX_QUERY_ITEMS)
        if isinstance(column.target, ORDERED):
            for lookup in _COMPARED:
                yield f"{name}__{lookup}", _filter(ValueFilter, column, lookup, using)
        if field.null:
            yield f"{name}__isnull", _filter(NullFilter, column, "isnull", using)


def _filter(
    kind: type[ValueFilter], column: Column, lookup: str, using: str, *, most: int = 1
) -> ValueFilter:
    return kind(column.name, lookup, column=column, using=using, most=most)

"""Paging by the key of a table: each page begins behind the last row of the one before it.

So a page costs the same wherever it is, and a row that stays is seen once while others come and go.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.core import signing
from django.db.models import Model, Q, QuerySet

from factos_django.projections.declaration import Projection
from factos_django.projections.keyed import KeyedRows
from factos_django.projections.rows.columns import Column, Refusal
from factos_django.rest_framework.projected_rows.values import parsed_value, value_as_text
from factos_django.rest_framework.refusals import InvalidParameter

__all__ = ["Keyset", "keyset_of"]


@dataclass(frozen=True, slots=True)
class Keyset:
    """The order of the rows of one table.

    Attributes:
        label: That of the model; a cursor is good for it alone.
        columns: Those of the key, whose values no two rows share.
        using: The alias of the database.
    """

    label: str
    columns: Sequence[Column]
    using: str

    @property
    def names(self) -> list[str]:
        """The names of the columns."""
        return [column.name for column in self.columns]

    def cursor(self, row: dict[str, Any]) -> str:
        """Return the cursor behind ``row``, values by their names. Nobody else can make one: it is signed."""
        return signing.dumps([value_as_text(row[name]) for name in self.names], salt=self._salt)

    def after(self, rows: QuerySet[Any], cursor: str) -> QuerySet[Any]:
        """Return those of ``rows`` behind ``cursor``; raise InvalidParameter."""
        try:
            texts = signing.loads(cursor, salt=self._salt)
            values = [
                parsed_value(column, text, self.using)
                for column, text in zip(self.columns, texts, strict=True)
            ]
        except (signing.BadSignature, Refusal, ValueError) as error:
            raise InvalidParameter("after: take it from the next of a page of these rows.") from error
        return rows.filter(_behind(self.names, values))

    @property
    def _salt(self) -> str:
        return f"factos.rows:{self.using}:{self.label}"


def keyset_of(projection: Projection, model: type[Model], using: str) -> Keyset:
    """Return the order of the rows of ``model``: by the key of its projection, which a rebuild keeps.

    The rows of a handler have their primary key.
    """
    feed = projection.feed
    if isinstance(feed, KeyedRows):
        return Keyset(model._meta.label, feed.shape.keys, using)
    fields = getattr(model._meta, "pk_fields", [model._meta.pk])
    return Keyset(model._meta.label, [Column(field) for field in fields], using)


def _behind(names: Sequence[str], values: Sequence[Any]) -> Q:
    """Return the condition of a row behind the one with these values.

    With several columns the first is compared by itself, too, which an index serves.
    """
    (name, *names), (value, *values) = names, values
    if not names:
        return Q((f"{name}__gt", value))
    further = Q((f"{name}__gt", value)) | (Q((name, value)) & _behind(names, values))
    return Q((f"{name}__gte", value)) & further

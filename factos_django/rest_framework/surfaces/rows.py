"""``projections/{name}/rows/``: the rows of a projection, once it has applied what the client has seen."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

from django.db.models import Model
from django.http import QueryDict
from msgspec import Meta
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from factos_django.conf import conf
from factos_django.core.errors import ProjectionBehind, ProjectionStopped
from factos_django.projections import wait_for
from factos_django.projections.declaration import Projection
from factos_django.projections.selection import here
from factos_django.rest_framework.answers import Answer
from factos_django.rest_framework.bodies import Body, Position, parameters_of
from factos_django.rest_framework.feed.places import PLACES
from factos_django.rest_framework.limits import Limit, checked_limit
from factos_django.rest_framework.openapi import described
from factos_django.rest_framework.problems import Problem
from factos_django.rest_framework.projected_rows import Keyset, filters_of, keyset_of, row_json
from factos_django.rest_framework.refusals import InvalidParameter
from factos_django.rest_framework.surface import Surface
from factos_django.status import rows_position
from factos_django.store.heads import highest_position

__all__ = ["ProjectionRows"]

#: What a wait is about is over for the pages that follow.
_NOT_OF_A_PAGE = ("wait_for", "timeout")

_STOPPED = "The projection stopped before that position. Its status tells where; somebody has to look."


class RowParameters(Body, kw_only=True):
    """Which page, and what has to be in it. Beside these there are the filters of the table."""

    limit: Limit = None
    after: Annotated[str, Meta(description="From the `next` of another page.")] | None = None
    table: Annotated[str, Meta(description="Of several, as `app.Model`; else the first.")] | None = None
    wait_for: Annotated[Position, Meta(description="Wait until the projection has applied it.")] | None = None
    timeout: Annotated[float, Meta(ge=0, description="How long to wait (seconds).")] = 5.0


class RowsAnswer(Answer):
    """Rows in the order of their keys, and where to ask for more."""

    rows: list[dict[str, Any]]
    next: str | None


class ProjectionRows(Surface):
    """The rows of a projection."""

    heading = "projections"
    allowed_by = {"GET": ("may_view_projections",)}
    throttle_scope = "factos_read"

    @described(
        "list_rows",
        parameters=RowParameters,
        path={"name": "The name of the projection."},
        answers={200: RowsAnswer},
        problems=(400, 404, 409, 503),
    )
    def get(self, request: Request, name: str) -> Response:
        """List the rows of a projection, in the order of their keys.

        Columns are filters: `column`, `column__in` (several times: any of them), where their values have an
        order `column__gt`, `__gte`, `__lt` and `__lte`, and where they can be null `column__isnull`. The
        header `Factos-Position` tells up to which position the rows hold every fact, if that is known.
        """
        projection = here(name, self.using)
        model = _table(projection, request.query_params.get("table"))
        if not self.permissions.may_view_rows(model):
            raise PermissionDenied("You may not view the rows of this table.")
        filters = filters_of(model, self.using, reserved=RowParameters.__struct_fields__)
        asked = parameters_of(request, RowParameters, beside=filters.base_filters)
        chosen = filters(request.query_params, queryset=model._default_manager.using(self.using)).found()
        if asked.wait_for is not None:
            self._wait(name, asked.wait_for, asked.timeout)
        position = rows_position(name, self.using)  # before the rows, so that they hold no less
        return self._page(chosen, keyset_of(projection, model, self.using), asked, position)

    def problem(self, error: Exception) -> Problem:
        """Return what is said of ``error``; why a projection stopped may quote facts, and is left out."""
        said = super().problem(error)
        if isinstance(error, ProjectionStopped):
            return replace(said, detail=_STOPPED, extensions={"position": error.position})
        if isinstance(error, ProjectionBehind):
            told = {"position": error.position, "reached": error.reached}
            return replace(said, extensions=told, headers={"Retry-After": "1"})
        return said

    def _wait(self, name: str, position: int, seconds: float) -> None:
        """Wait outside of a transaction. It occupies a worker of the server, so it takes a place."""
        highest = highest_position(self.using)
        if position > highest:
            raise InvalidParameter(f"wait_for: nothing is recorded at {position}, only up to {highest}.")
        place = PLACES.take()
        try:
            wait_for(name, position, min(seconds, conf.FEED_SECONDS), using=self.using)
        finally:
            place.give_back()

    def _page(self, rows: Any, keyset: Keyset, asked: RowParameters, position: int | None) -> Response:
        limit = checked_limit(asked.limit)
        if asked.after is not None:
            rows = keyset.after(rows, asked.after)
        names = [field.attname for field in rows.model._meta.concrete_fields]
        found = list(rows.order_by(*keyset.names).values_list(*names)[: limit + 1])
        page = [dict(zip(names, values, strict=True)) for values in found[:limit]]
        answer = {
            "rows": [row_json(row) for row in page],
            "next": self._address(keyset.cursor(page[-1])) if len(found) > limit else None,
        }
        headers = {} if position is None else {"Factos-Position": str(position)}
        return Response(answer, headers=headers)

    def _address(self, cursor: str) -> str:
        parameters = QueryDict(mutable=True)
        parameters.update(self.request.query_params)
        for name in _NOT_OF_A_PAGE:
            parameters.pop(name, None)
        parameters["after"] = cursor
        return self.request.build_absolute_uri(f"?{parameters.urlencode()}")


def _table(projection: Projection, label: str | None) -> type[Model]:
    tables = {model._meta.label: model for model in projection.feed.models}
    if label is None:
        return projection.feed.models[0]
    if label not in tables:
        raise InvalidParameter(f"table: the projection writes {', '.join(tables)}.")
    return tables[label]

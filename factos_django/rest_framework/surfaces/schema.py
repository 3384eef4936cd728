"""``schema/``: the description of this API, for machines."""

from __future__ import annotations

from collections.abc import Sequence

from django.urls import URLPattern
from rest_framework.request import Request
from rest_framework.response import Response

from factos_django.rest_framework.document import document
from factos_django.rest_framework.openapi import described
from factos_django.rest_framework.surface import Surface

__all__ = ["SchemaDocument"]


class SchemaDocument(Surface):
    """The description."""

    allowed_by = {"GET": ("may_view_schema",)}
    throttle_scope = "factos_read"
    heading = "description"
    #: What is described: urls.py hands over its own.
    addresses: Sequence[URLPattern] = ()

    @described("get_schema", answers={200: {"type": "object", "description": "An OpenAPI 3.1 document."}})
    def get(self, request: Request) -> Response:
        """Return the description of this API (OpenAPI 3.1), with the addresses that it has here."""
        return Response(document(self.addresses, request.path.removesuffix("schema/"), request))

"""The document that ``schema/`` answers: this API and nothing else, in OpenAPI 3.1, at its addresses here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.urls import URLPattern
from drf_spectacular.generators import EndpointEnumerator, SchemaGenerator
from drf_spectacular.plumbing import normalize_result_object, sanitize_result_object
from rest_framework.request import Request

from factos_django.rest_framework.openapi import in_openapi_3_1

__all__ = ["document"]

_VERSION = "3.1.0"
_ABOUT = """\
Facts, appended under conditions and read in their order.

Errors are `application/problem+json` (RFC 9457); rely on `status` and `type`. Every POST is
`application/json`. Answers may get further members: ignore those you do not know.
"""


def document(patterns: Sequence[URLPattern], prefix: str, request: Request) -> dict[str, Any]:
    """Return the description of the API.

    Args:
        patterns: Of its addresses.
        prefix: Where the project has put them (``/api/``).
        request: Of whoever asks. All addresses are described, whatever that user may do.
    """
    with in_openapi_3_1():
        generator = _Generator(patterns=list(patterns))  # type: ignore[no-untyped-call]
        paths, components = generator.described(prefix, request)
    said = {
        "openapi": _VERSION,
        "info": {"title": "Facts", "version": "1", "description": _ABOUT},
        "paths": paths,
        "components": components,
    }
    return dict(sanitize_result_object(normalize_result_object(said)))  # type: ignore[no-untyped-call]


class _Addresses(EndpointEnumerator):
    """All of the patterns, in their order, without the project's PREPROCESSING_HOOKS."""

    def get_api_endpoints(self, patterns: Any = None, prefix: str = "") -> list[Any]:
        """Return (path, regular expression, method, view) of each."""
        return list(self._get_api_endpoints(patterns, prefix))  # type: ignore[no-untyped-call]


class _Generator(SchemaGenerator):
    """drf-spectacular's, without the project's SPECTACULAR_SETTINGS for the whole of a description."""

    endpoint_inspector_cls = _Addresses

    def described(self, prefix: str, request: Request) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the paths and the components."""
        self._initialise_endpoints()  # type: ignore[no-untyped-call]
        paths: dict[str, Any] = {}
        for path, regex, method, view in self._get_paths_and_endpoints():  # type: ignore[no-untyped-call]
            view.request = request
            place = prefix + path.removeprefix("/")
            operation = view.schema.get_operation(place, regex, prefix, method, self.registry)
            paths.setdefault(place, {})[method.lower()] = operation
        return paths, self.registry.build({})

"""``docs/``: the description of this API, for people."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.conf import settings
from django.middleware.csrf import get_token
from django.template import Context, Engine
from django.templatetags.static import static
from drf_spectacular.types import OpenApiTypes
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response

import factos_django
from factos_django.rest_framework.openapi import described
from factos_django.rest_framework.raw_json import RawJSONRenderer
from factos_django.rest_framework.surface import Surface

__all__ = ["DocsPage", "PageRenderer"]

_SWAGGER = "drf_spectacular_sidecar/swagger-ui-dist"
# An engine of our own: the page is the same whatever TEMPLATES the project has.
_ENGINE = Engine(dirs=[str(Path(factos_django.__file__).parent / "templates")])


class PageRenderer(BaseRenderer):
    """Renders the page; of an error, the problem."""

    media_type = "text/html"
    format = "html"
    charset = "utf-8"

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> str | bytes:
        """Return the page for what it is told."""
        if (renderer_context or {})["response"].exception:
            return RawJSONRenderer().render(data)
        return str(_ENGINE.get_template("factos/api_docs.html").render(Context(data)))


class DocsPage(Surface):
    """Swagger UI on the description. It loads nothing from elsewhere, and holds no script or style inline."""

    allowed_by = {"GET": ("may_view_schema",)}
    throttle_scope = "factos_read"
    heading = "description"
    renderer_classes = [PageRenderer]

    @described("get_docs", answers={(200, "text/html"): OpenApiTypes.STR})
    def get(self, request: Request) -> Response:
        """Return a page that shows the description of this API, and tries it out."""
        assets = {"script": "swagger-ui-bundle.js", "style": "swagger-ui.css", "icon": "favicon-32x32.png"}
        header = settings.CSRF_HEADER_NAME.removeprefix("HTTP_").replace("_", "-")
        return Response(
            {name: static(f"{_SWAGGER}/{file}") for name, file in assets.items()}
            | {name: static(f"factos/api_docs.{name}") for name in ("js", "css")}
            | {"csrf": json.dumps({header: get_token(request._request)})}
        )

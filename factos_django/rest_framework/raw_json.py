"""Answers: JSON, with the stored text of facts in it as it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from rest_framework.renderers import BaseRenderer

__all__ = ["RawJSONRenderer"]

_ENCODER = msgspec.json.Encoder(enc_hook=str)  # lazy translations


class RawJSONRenderer(BaseRenderer):
    """Renders ``application/json``: plain data, msgspec Structs, and ``msgspec.Raw`` as it is."""

    media_type = "application/json"
    format = "json"
    charset = None
    render_style = "binary"

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        """Return ``data`` as JSON in UTF-8; None as nothing."""
        return b"" if data is None else _ENCODER.encode(data)

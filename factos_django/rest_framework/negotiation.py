"""One representation an address: what a client accepts is looked at, and nothing else is."""

from __future__ import annotations

from types import SimpleNamespace

from rest_framework.negotiation import DefaultContentNegotiation

__all__ = ["OneRepresentation"]


class OneRepresentation(DefaultContentNegotiation):
    """REST framework's negotiation without its parameter ``format``, which would answer 404 by itself."""

    settings = SimpleNamespace(URL_FORMAT_OVERRIDE=None)  # type: ignore[assignment]  # all that is asked of it

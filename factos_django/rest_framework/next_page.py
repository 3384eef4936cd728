"""The address of the next page."""

from __future__ import annotations

from rest_framework.request import Request

__all__ = ["next_page"]


def next_page(request: Request, **parameters: int | str) -> str:
    """Return the address of ``request`` with ``parameters`` put in place of its own, and all others kept."""
    query = request.query_params.copy()
    for name, value in parameters.items():
        query[name] = str(value)
    return request.build_absolute_uri(f"{request.path}?{query.urlencode()}")

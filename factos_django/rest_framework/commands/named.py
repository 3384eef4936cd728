"""What a command view names by its attributes."""

from __future__ import annotations

from typing import Any

from rest_framework.views import APIView

__all__ = ["named"]


def named(view: APIView, attribute: str) -> Any:
    """Return what ``attribute`` of ``view`` is, as it was assigned.

    Through the view itself a plain function would be bound to it. ``as_view()`` and ``@action()`` put what
    they are given on the view, everybody else on its class.
    """
    return vars(view).get(attribute, getattr(type(view), attribute, None))

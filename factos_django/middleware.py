"""A middleware that stamps every append of a request with who asked and what for."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest, HttpResponseBase

from factos_django.core.metadata import ACTOR, CAUSATION_ID, CORRELATION_ID, OPERATION_ID
from factos_django.stamps import Stamp, stamp

__all__ = ["StampMiddleware"]

# What a client sends is stored with facts for ever: short, printable ASCII or nothing.
_ACCEPTED = re.compile(r"[!-~]{1,200}")


class StampMiddleware:
    """Stamps ``operation_id`` (X-Request-ID), ``correlation_id``, ``causation_id`` and ``actor``.

    A request without X-Request-ID gets a random one; without X-Correlation-ID its request id is its
    correlation. The actor is the primary key of the user who is logged in, looked up when an append
    first needs it. Put it after AuthenticationMiddleware. It answers nothing and writes no header.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        """Handle ``request`` under its stamps."""
        if self._is_async:
            return self._handle(request)
        with stamp(**_stamps(request)):
            response: HttpResponseBase = self.get_response(request)
            return response

    async def _handle(self, request: HttpRequest) -> HttpResponseBase:
        with stamp(**_stamps(request)):
            response: HttpResponseBase = await self.get_response(request)
            return response


def _stamps(request: HttpRequest) -> dict[str, Stamp]:
    operation = _header(request, "X-Request-ID") or str(uuid4())
    return {
        OPERATION_ID: operation,
        CORRELATION_ID: _header(request, "X-Correlation-ID") or operation,
        CAUSATION_ID: _header(request, "X-Causation-ID"),
        ACTOR: lambda: _actor(request),
    }


def _header(request: HttpRequest, name: str) -> str | None:
    value = request.headers.get(name, "")
    return value if _ACCEPTED.fullmatch(value) else None


def _actor(request: HttpRequest) -> str | None:
    user = getattr(request, "user", None)
    return str(user.pk) if user is not None and user.is_authenticated else None

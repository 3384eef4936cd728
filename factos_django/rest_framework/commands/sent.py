"""What a client sent with a command, checked: by a dataclass or by a serializer of REST framework."""

from __future__ import annotations

import functools
from typing import Any, TypeGuard

import msgspec.inspect
from django.core.exceptions import ImproperlyConfigured
from django.http import QueryDict
from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.request import Request
from rest_framework.serializers import BaseSerializer
from rest_framework.views import APIView

from factos_django.core.canonical_json import UnstorableData
from factos_django.core.codec import Codec
from factos_django.core.misfit import Misfit
from factos_django.rest_framework.problems import paths_of
from factos_django.rest_framework.refusals import InvalidBody

__all__ = ["is_serializer_class", "sent"]


def sent(request: Request, kind: Any, view: APIView) -> Any:
    """Return the body of ``request`` as ``kind`` says.

    Args:
        request: Its body is parsed by the parsers of the view.
        kind: A dataclass (or whatever else msgspec makes of JSON), of which an instance is returned; a
            serializer class, whose validated data is returned; or None for the body as it was parsed.
        view: Goes into the context of the serializer.

    Raises:
        InvalidBody: It is none; ``errors`` tells where.
    """
    if kind is None:
        return request.data
    if is_serializer_class(kind):
        return _validated(request, kind, view)
    if isinstance(request.data, QueryDict):
        raise UnsupportedMediaType(request.content_type, detail="Send Content-Type: application/json.")
    return _converted(request.data, kind)


def is_serializer_class(kind: Any) -> TypeGuard[type[BaseSerializer[Any]]]:
    """Tell whether ``kind`` is a serializer class of REST framework."""
    return isinstance(kind, type) and issubclass(kind, BaseSerializer)


def _validated(request: Request, kind: type[BaseSerializer[Any]], view: APIView) -> Any:
    serializer = kind(data=request.data, context={"request": request, "view": view, "format": None})
    if not serializer.is_valid():
        raise InvalidBody(*paths_of(serializer.errors))
    return serializer.validated_data


def _converted(data: Any, kind: Any) -> Any:
    codec = _codec_of(kind)
    try:
        return codec.convert_strictly(data)
    except Misfit as error:
        raise InvalidBody({"path": error.path, "detail": error.reason}) from error
    except UnstorableData as error:
        raise InvalidBody({"path": "$", "detail": str(error)}) from error


@functools.cache
def _codec_of(kind: Any) -> Codec:
    try:
        if isinstance(msgspec.inspect.type_info(kind), msgspec.inspect.CustomType):
            raise UnstorableData("msgspec knows no fields of it")
        return Codec(kind)
    except (UnstorableData, TypeError) as error:
        name = getattr(kind, "__qualname__", kind)
        raise ImproperlyConfigured(
            f"A command view reads {name}: name a dataclass or a serializer class ({error})."
        ) from error

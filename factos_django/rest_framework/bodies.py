"""What clients send: bodies and parameters, as the types that they are.

The types are msgspec Structs. They are strict: what is not declared is refused, and so is a number where a
string belongs. The description of the API is made from them.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Annotated, Any, TypeVar, get_type_hints

import msgspec
from msgspec import Meta, Struct
from rest_framework.request import Request

from factos_django.core.metadata import is_storable_text
from factos_django.core.misfit import misfit_of
from factos_django.core.position import LAST_POSITION
from factos_django.core.query import Query, QueryItem
from factos_django.rest_framework.refusals import InvalidBody, InvalidParameter

__all__ = [
    "Body",
    "NoParameters",
    "Nothing",
    "Position",
    "QueryBody",
    "QueryItemBody",
    "body_of",
    "optional_body_of",
    "parameters_of",
    "query_of",
]

T = TypeVar("T")

#: A position in the log.
Position = Annotated[int, Meta(ge=0, le=LAST_POSITION)]

_DIGITS = re.compile("[0-9]+")


class Body(Struct, forbid_unknown_fields=True):
    """What is sent: a JSON object of exactly these members."""


class Nothing(Body):
    """``{}``: there is nothing to say."""


class NoParameters(Body):
    """An address without parameters."""


class QueryItemBody(Body):
    """Any of these types (of none: any type), and all of these tags."""

    types: list[str] = []
    tags: list[str] = []


class QueryBody(Body):
    """``{"items": [...]}``, of which any matches, or ``{"all": true}`` for every event."""

    items: list[QueryItemBody] = []
    all: bool = False


def query_of(body: QueryBody) -> Query:
    """Return the query that ``body`` says; raise InvalidInput."""
    items = tuple(QueryItem(types=item.types, tags=item.tags) for item in body.items)
    return Query(items, everything=body.all)


def body_of(request: Request, kind: type[T]) -> T:
    """Return the body of ``request`` as ``kind``; raise InvalidBody, which says where it is none."""
    return converted(request.data, kind)


def optional_body_of(request: Request, kind: type[T]) -> T:
    """Return the body of ``request`` as ``kind``, and without one what ``{}`` says; raise InvalidBody."""
    return converted({}, kind) if request.stream is None else body_of(request, kind)


def converted(value: Any, kind: type[T], *, path: str = "$") -> T:
    """Return ``value``, parsed JSON, as ``kind``; raise InvalidBody."""
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise InvalidBody(told(error, path)) from error


def parameters_of(request: Request, kind: type[T], *, beside: Collection[str] = ()) -> T:
    """Return the parameters of the address as ``kind``, a Body; raise InvalidParameter.

    A parameter whose type is a list may stand there several times, any other once. Numbers are ASCII digits.
    Those whose names are ``beside`` are somebody else's to read: here they only have to be storable text.
    """
    hints = get_type_hints(kind)
    given: dict[str, Any] = {}
    for name, values in request.query_params.lists():
        if not all(map(is_storable_text, (name, *values))):
            raise InvalidParameter("A parameter holds NUL or a lone surrogate.")
        if name in beside:
            continue
        if name not in hints:
            known = ", ".join(sorted({*hints, *beside})) or "none"
            raise InvalidParameter(f"There is no parameter {name!r}; known are: {known}.")
        is_list = getattr(hints[name], "__origin__", None) is list
        if not is_list and len(values) > 1:
            raise InvalidParameter(f"Parameter {name!r} stands there {len(values)} times.")
        given[name] = list(values) if is_list else values[0]
    try:
        asked = msgspec.convert(given, kind, strict=False)
    except msgspec.ValidationError as error:
        place = told(error, "$")
        raise InvalidParameter(f"{place['detail']} ({place['path'].removeprefix('$.')})") from error
    for name, text in given.items():  # msgspec takes 1e3, too
        if type(getattr(asked, name)) is int and not _DIGITS.fullmatch(text):
            raise InvalidParameter(f"Write whole numbers in digits: {name} is {text[:20]!r}.")
    return asked


def told(error: msgspec.ValidationError, path: str) -> dict[str, str]:
    """Return where ``error`` is, below ``path``, and what it is."""
    misfit = misfit_of(error)
    return {"path": path + misfit.path.removeprefix("$"), "detail": misfit.reason}

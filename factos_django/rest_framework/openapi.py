"""The description of the API: made by drf-spectacular, from the types of bodies, parameters and answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

import msgspec
import msgspec.inspect
from drf_spectacular.extensions import OpenApiSerializerExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent, is_jsonschema_compliant
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema

from factos_django.rest_framework.answers import ProblemAnswer
from factos_django.rest_framework.older_openapi import as_openapi_3_0
from factos_django.rest_framework.problems import PROBLEM_JSON

__all__ = ["SurfaceSchema", "described", "in_openapi_3_1"]

F = TypeVar("F", bound=Callable[..., Any])

_REFERENCE = "#/components/schemas/{name}"

# Ours is written in OpenAPI 3.1 whatever the project's is, in each thread by itself.
_IN_3_1: ContextVar[bool] = ContextVar("_IN_3_1", default=False)

#: What every address can answer.
_ALWAYS = {
    401: "Nobody is logged in.",
    403: "The user may not do this.",
    406: "Only JSON is sent.",
    429: "Too many requests: see Retry-After.",
}
_SOMETIMES = {
    400: "The request is not what this address takes; it says where.",
    404: "There is no such thing.",
    409: "What is there now forbids it.",
    412: "The context has moved since the client saw it.",
    422: "What is asked for cannot be done; it says why.",
    503: "Busy: ask again, after Retry-After.",
}

#: What every address that takes a body can answer, too.
_WITH_BODY = {
    400: "The body is not what this address takes; it says where.",
    411: "The body has no Content-Length.",
    413: "The body is too large.",
    415: "The body is no JSON in UTF-8.",
}
_HEADERS = {
    "Retry-After": (int, "After how many seconds to ask again.", (429, 503)),
    "WWW-Authenticate": (str, "How to log in.", (401,)),
}


class SurfaceSchema(AutoSchema):
    """Describes the API's own views, whatever the project uses for its own."""

    def get_tags(self) -> list[str]:
        """Return the heading under which an address stands."""
        return [getattr(self.view, "heading", "facts")]

    def get_operation(self, *args: Any, **kwargs: Any) -> dict[str, Any] | None:
        """Return the description of one method, in the OpenAPI that is asked for."""
        operation = super().get_operation(*args, **kwargs)
        return None if operation is None else _as_asked(operation)


@contextmanager
def in_openapi_3_1() -> Iterator[None]:
    """Describe in OpenAPI 3.1 here, whatever version the project describes its own views in."""
    token = _IN_3_1.set(True)
    try:
        yield
    finally:
        _IN_3_1.reset(token)


def _as_asked(schema: Any) -> Any:
    is_newer = _IN_3_1.get() or is_jsonschema_compliant()  # type: ignore[no-untyped-call]
    return schema if is_newer else as_openapi_3_0(schema)


class StructExtension(OpenApiSerializerExtension):  # type: ignore[no-untyped-call]  # its registration
    """Describes msgspec Structs."""

    target_class = "msgspec.Struct"
    match_subclasses = True

    def get_name(self, auto_schema: AutoSchema, direction: str) -> str:
        """Return the name of the component."""
        return str(self.target.__name__)

    def map_serializer(self, auto_schema: AutoSchema, direction: str) -> dict[str, Any]:
        """Return the schema of the Struct; those that it refers to become components, too."""
        _, components = msgspec.json.schema_components([self.target], ref_template=_REFERENCE)
        own = components.pop(self.target.__name__)
        if not own.get("required"):
            own.pop("required", None)  # OpenAPI 3.0 allows no empty one
        known = {cls.__name__: cls for cls in _classes(msgspec.inspect.type_info(self.target))}
        for name, schema in components.items():
            component = ResolvedComponent(  # type: ignore[no-untyped-call]
                name, ResolvedComponent.SCHEMA, schema=_as_asked(schema), object=known[name]
            )
            auto_schema.registry.register_on_missing(component)
        return dict(_as_asked(own))


def _classes(info: Any) -> Iterator[type[Any]]:
    """Yield the class of ``info``, a type as msgspec knows it, and those that it refers to."""
    if isinstance(info, tuple):
        for each in info:
            yield from _classes(each)
    elif isinstance(info, (msgspec.inspect.Type, msgspec.inspect.Field)):
        yield from [info.cls] if hasattr(info, "cls") else []
        for name in ("fields", "types", "type", "item_type", "item_types", "key_type", "value_type"):
            yield from _classes(getattr(info, name, ()))


def described(
    operation_id: str,
    *,
    parameters: type[Any] | None = None,
    path: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    body: Any = None,
    answers: Mapping[Any, Any],
    problems: tuple[int, ...] = (),
) -> Callable[[F], F]:
    """Describe a method of a surface, whose docstring is for those who use the API.

    Args:
        operation_id: Unique in the API (``list_events``).
        parameters: The Body that its parameters are read by.
        path: What the parts of its address are, by their names.
        headers: What the headers are that it takes, by their names.
        body: The Body that is sent.
        answers: By status, or (status, media type), a Struct, a JSON Schema, or an OpenApiResponse.
        problems: The statuses of errors that it answers, beside those that every address can.
    """

    def decorate(method: F) -> F:
        method.kwargs = {"schema": SurfaceSchema}  # type: ignore[attr-defined]  # not DEFAULT_SCHEMA_CLASS
        said = {status: _SOMETIMES.get(status) or _WITH_BODY[status] for status in problems}
        said |= _ALWAYS | (_WITH_BODY if method.__name__ != "get" else {})
        told = {(status, PROBLEM_JSON): OpenApiResponse(ProblemAnswer, text) for status, text in said.items()}
        places = [*_places(path, OpenApiParameter.PATH), *_places(headers, OpenApiParameter.HEADER)]
        extended: F = extend_schema(
            operation_id=operation_id,
            parameters=[*places, *_parameters(parameters), *_headers(set(said))],
            request=body,
            responses={**answers, **told},
        )(method)
        return extended

    return decorate


def _places(texts: Mapping[str, str] | None, location: Any) -> list[OpenApiParameter]:
    return [OpenApiParameter(name, str, location, description=text) for name, text in (texts or {}).items()]


def _headers(statuses: set[int]) -> list[OpenApiParameter]:
    return [
        OpenApiParameter(
            name,
            kind,
            OpenApiParameter.HEADER,
            description=text,
            response=sorted(statuses.intersection(sent)),
        )
        for name, (kind, text, sent) in _HEADERS.items()
        if statuses.intersection(sent)
    ]


def _parameters(kind: type[Any] | None) -> list[OpenApiParameter]:
    if kind is None:
        return []
    _, components = msgspec.json.schema_components([kind], ref_template=_REFERENCE)
    schema = components[kind.__name__]
    required = schema.get("required", ())
    return [
        OpenApiParameter(
            name,
            {key: value for key, value in each.items() if key != "description"},
            required=name in required,
            description=each.get("description", ""),
            many=False,
        )
        for name, each in schema["properties"].items()
    ]

"""The description of the API: made by drf-spectacular, from the types of bodies, parameters and answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

import msgspec
import msgspec.inspect
from drf_spectacular.extensions import OpenApiSerializerExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema

from factos_django.rest_framework.answers import ProblemAnswer
from factos_django.rest_framework.problems import PROBLEM_JSON

__all__ = ["SurfaceSchema", "described"]

F = TypeVar("F", bound=Callable[..., Any])

_REFERENCE = "#/components/schemas/{name}"

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
    413: "The body is too large.",
    415: "The body is no JSON in UTF-8.",
    422: "What is asked for cannot be done; it says why.",
    503: "Busy: ask again, after Retry-After.",
}


class SurfaceSchema(AutoSchema):
    """Describes the API's own views, whatever the project uses for its own."""

    def get_tags(self) -> list[str]:
        """Return the heading under which an address stands."""
        return [getattr(self.view, "heading", "facts")]


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
        known = {cls.__name__: cls for cls in _classes(msgspec.inspect.type_info(self.target))}
        for name, schema in components.items():
            component = ResolvedComponent(  # type: ignore[no-untyped-call]
                name, ResolvedComponent.SCHEMA, schema=schema, object=known[name]
            )
            auto_schema.registry.register_on_missing(component)
        return dict(own)


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
    body: Any = None,
    answers: Mapping[int, Any],
    problems: tuple[int, ...] = (),
) -> Callable[[F], F]:
    """Describe a method of a surface, whose docstring is for those who use the API.

    Args:
        operation_id: Unique in the API (``list_events``).
        parameters: The Body that its parameters are read by.
        path: What the parts of its address are, by their names.
        body: The Body that is sent.
        answers: By status, a Struct, a JSON Schema, or an OpenApiResponse.
        problems: The statuses of errors that it answers, beside those that every address can.
    """
    said = _ALWAYS | {status: _SOMETIMES[status] for status in problems}
    told = {(status, PROBLEM_JSON): OpenApiResponse(ProblemAnswer, text) for status, text in said.items()}
    places = [
        OpenApiParameter(name, str, OpenApiParameter.PATH, description=text)
        for name, text in (path or {}).items()
    ]
    return extend_schema(
        operation_id=operation_id,
        parameters=[*places, *(_parameters(parameters) if parameters else [])],
        request=body,
        responses={**answers, **told},
    )


def _parameters(kind: type[Any]) -> list[OpenApiParameter]:
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

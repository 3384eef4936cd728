"""The description of a command endpoint, made from what the view names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import msgspec
import msgspec.inspect
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent, get_doc, is_jsonschema_compliant
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse

from factos_django.rest_framework.answers import ProblemAnswer
from factos_django.rest_framework.commands.command_answers import (
    CommandAnswer,
    CommandBodyProblem,
    CommandRefusal,
)
from factos_django.rest_framework.commands.named import named
from factos_django.rest_framework.commands.sent import is_serializer_class
from factos_django.rest_framework.older_openapi import as_openapi_3_0
from factos_django.rest_framework.problems import PROBLEM_JSON

__all__ = ["CommandSchema"]

_REFERENCE = "#/components/schemas/{name}"

_ANSWERS = {
    201: "It is done: these facts were recorded.",
    200: "There was nothing to do, and nothing was recorded.",
}
_PROBLEMS: dict[int, tuple[type[ProblemAnswer], str]] = {
    400: (CommandBodyProblem, "The body or a header is not what this command takes."),
    401: (ProblemAnswer, "Nobody is logged in."),
    403: (ProblemAnswer, "The user may not do this."),
    406: (ProblemAnswer, "The answer is not to be had as what Accept asks for."),
    409: (ProblemAnswer, "What this depends on has moved meanwhile: ask again."),
    412: (ProblemAnswer, "What this depends on is not what If-Match says."),
    411: (ProblemAnswer, "The body has no Content-Length."),
    413: (ProblemAnswer, "The body is too large."),
    415: (ProblemAnswer, "The body is of another type than this command takes."),
    422: (CommandRefusal, "It is refused; the code says why."),
    429: (ProblemAnswer, "Too many requests: see Retry-After."),
    503: (ProblemAnswer, "Busy: ask again, after Retry-After."),
}
_HEADER: Final = "header"
_PARAMETERS = [
    OpenApiParameter(
        "Idempotency-Key", str, _HEADER, description="The same command under the same key counts once."
    ),
    OpenApiParameter(
        "If-Match", str, _HEADER, description="ETags of the context: if it is none of them, nothing happens."
    ),
    OpenApiParameter(
        "Factos-Position", int, _HEADER, description="As `position` of the body.", response=[200, 201]
    ),
    OpenApiParameter(
        "ETag", str, _HEADER, description="Of the context after it, for If-Match.", response=[200, 201]
    ),
    OpenApiParameter("Retry-After", int, _HEADER, description="Seconds.", response=[429, 503]),
]


class CommandSchema(AutoSchema):
    """Describes the commands of a view, and leaves the rest of it to drf-spectacular.

    A CommandAPIView has it. Set ``schema = CommandSchema()`` on views of your own that mix CommandMixin in.
    """

    def is_command(self) -> bool:
        """Tell whether the method or action that is described is a command."""
        if self.method not in {"POST", "PUT", "PATCH"}:
            return False
        return getattr(self.view, "action", None) is None or named(self.view, "command") is not None

    def get_operation(self, *args: Any, **kwargs: Any) -> dict[str, Any] | None:
        """Return the description of one method."""
        operation = super().get_operation(*args, **kwargs)
        if operation is None or not self.is_command():
            return operation
        if "requestBody" in operation:
            operation["requestBody"]["required"] = True
        return dict(_as_asked(operation))

    def get_operation_id(self) -> str:
        """Return the name of the view (``buy_ticket`` of BuyTicketView); that of an action by its address."""
        if not self.is_command() or getattr(self.view, "action", None) is not None:
            return str(super().get_operation_id())
        name = re.sub(r"(?:API)?View$", "", type(self.view).__name__)
        name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
        return name if self.method == "POST" else f"{name}_{self.method.lower()}"

    def get_description(self) -> str:  # type: ignore[override]  # as that of drf-spectacular
        """Return the docstring of the project's method or view; ours is not for its clients."""
        ours = {
            get_doc(cls) for cls in type(self.view).__mro__ if cls.__module__.startswith(str(__package__))
        }
        found = super().get_description()
        return "" if found in ours else found

    def get_override_parameters(self) -> list[Any]:
        """Return the headers."""
        return [*super().get_override_parameters(), *(_PARAMETERS if self.is_command() else [])]

    def get_request_serializer(self) -> Any:
        """Return what is sent."""
        kind = named(self.view, "command")
        if not self.is_command():
            return super().get_request_serializer()
        if is_serializer_class(kind):
            return kind
        schema = {} if kind is None else self._schema_of(kind)
        return dict.fromkeys(self.map_parsers(), schema)

    def get_response_serializers(self) -> Any:
        """Return what is answered."""
        if not self.is_command():
            return super().get_response_serializers()
        answers = {status: OpenApiResponse(CommandAnswer, text) for status, text in _ANSWERS.items()}
        problems = {
            (status, PROBLEM_JSON): OpenApiResponse(kind, text) for status, (kind, text) in _PROBLEMS.items()
        }
        return answers | problems

    def _schema_of(self, kind: Any) -> dict[str, Any]:
        """Return the schema of ``kind``, after the classes in it have become components."""
        (schema,), components = msgspec.json.schema_components([kind], ref_template=_REFERENCE)
        known = {cls.__name__: cls for cls in _classes(msgspec.inspect.type_info(kind))}
        for name, each in components.items():
            component = ResolvedComponent(  # type: ignore[no-untyped-call]
                name, ResolvedComponent.SCHEMA, schema=_as_asked(_closed(each)), object=known.get(name, kind)
            )
            self.registry.register_on_missing(component)
        return schema


def _closed(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a class, without members that nobody knows: those are refused."""
    if "properties" not in schema:
        return schema
    properties = {name: _covered(each) for name, each in schema["properties"].items()}
    return {"additionalProperties": False, **schema, "properties": properties}


def _covered(schema: Any) -> Any:
    """Return ``schema`` with its choices where drf-spectacular makes no components of them.

    It fails at choices of several types or without one, and warns of those that need a name.
    """
    if isinstance(schema, list):
        return [_covered(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    said = {key: _covered(each) for key, each in schema.items() if key != "enum"}
    return said | ({"allOf": [{"enum": schema["enum"]}]} if "enum" in schema else {})


def _as_asked(schema: Any) -> Any:
    """Return ``schema`` in the version of OpenAPI that the project describes itself in."""
    return schema if is_jsonschema_compliant() else as_openapi_3_0(schema)  # type: ignore[no-untyped-call]


def _classes(info: Any, seen: set[int] | None = None) -> Iterator[type[Any]]:
    """Yield the classes in ``info``, a type as msgspec knows it; one may refer to itself."""
    seen = set() if seen is None else seen
    if isinstance(info, tuple):
        for each in info:
            yield from _classes(each, seen)
    elif isinstance(info, (msgspec.inspect.Type, msgspec.inspect.Field)) and id(info) not in seen:
        seen.add(id(info))
        yield from [info.cls] if hasattr(info, "cls") else []
        for name in ("fields", "types", "type", "item_type", "item_types", "key_type", "value_type"):
            yield from _classes(getattr(info, name, ()), seen)

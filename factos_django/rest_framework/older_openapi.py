"""OpenAPI 3.0 for projects whose own description is still one: its schemas are an older JSON Schema."""

from __future__ import annotations

from typing import Any

__all__ = ["as_openapi_3_0"]

_LEFT_OUT = {
    "prefixItems",
    "propertyNames",
    "patternProperties",
    "contentEncoding",
    "contentMediaType",
    "$defs",
}
#: Their values are data, or names that stand for schemas; no schema themselves.
_DATA = {"default", "enum", "example"}
_NAMED = {"properties", "examples"}


def as_openapi_3_0(schema: Any) -> Any:
    """Return ``schema``, or whatever holds schemas, in the words of OpenAPI 3.0; it says the same or less."""
    if isinstance(schema, list):
        return [each if _is_null(each) else as_openapi_3_0(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    said = {key: _older(key, value) for key, value in schema.items() if key not in _LEFT_OUT}
    if "prefixItems" in schema:
        said["items"] = {"anyOf": as_openapi_3_0(schema["prefixItems"])} if schema["prefixItems"] else {}
    return _bounded(_nullable(said))


def _older(key: str, value: Any) -> Any:
    if key in _DATA:
        return value
    if key in _NAMED and isinstance(value, dict):
        return {name: as_openapi_3_0(each) for name, each in value.items()}
    return as_openapi_3_0(value)


def _nullable(said: dict[str, Any]) -> dict[str, Any]:
    if said.get("required") == []:
        del said["required"]
    if "const" in said:
        said["enum"] = [said.pop("const")]
    if isinstance(said.get("examples"), list):
        said["example"] = said.pop("examples")[0]
    if isinstance(said.get("type"), list):
        said["anyOf"] = [{"type": name} for name in said.pop("type")]
    if _is_null(said):
        return {"enum": [None], "nullable": True}
    for word in ("anyOf", "oneOf"):
        if any(map(_is_null, said.get(word, ()))):
            others = [each for each in said.pop(word) if not _is_null(each)]
            said |= {"allOf": others} if len(others) == 1 else {word: others}
            said["nullable"] = True
    return said


def _bounded(said: dict[str, Any]) -> dict[str, Any]:
    for word in ("Minimum", "Maximum"):
        bound = said.get(f"exclusive{word}")
        if isinstance(bound, (int, float)) and not isinstance(bound, bool):
            said[word.lower()], said[f"exclusive{word}"] = bound, True
    return said


def _is_null(schema: Any) -> bool:
    return isinstance(schema, dict) and schema.get("type") == "null"

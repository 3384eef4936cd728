"""Upcasters: how the JSON of an old version of an event becomes that of the next one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from factos_django.core.errors import RegistrationError
from factos_django.core.naming import checked_name

__all__ = ["Upcaster", "upcast", "upcastable", "upcaster"]

#: Takes the parsed JSON of one version and returns that of the next. It may change its argument.
Upcaster: TypeAlias = Callable[[dict[str, Any]], dict[str, Any]]

_UPCASTERS: dict[tuple[str, int], Upcaster] = {}


def upcaster(name: str, version: int) -> Callable[[Upcaster], Upcaster]:
    """Register the step from ``(name, version)`` to ``(name, version + 1)``.

    Steps are chained: an event of version 1 whose class is at version 3 goes through two of them.
    The stored text is never rewritten.
    """
    checked_name(name)

    def register(function: Upcaster) -> Upcaster:
        known = _UPCASTERS.get((name, version), function)
        if (known.__module__, known.__qualname__) != (function.__module__, function.__qualname__):
            first, second = (f"{each.__module__}.{each.__qualname__}" for each in (known, function))
            reason = f"{first} is its upcaster; {second} cannot be"
            raise RegistrationError(what=f"The upcaster from version {version} of", name=name, reason=reason)
        _UPCASTERS[name, version] = function
        return function

    return register


def upcast(name: str, version: int, target: int, data: dict[str, Any]) -> dict[str, Any]:
    """Return ``data`` of ``(name, version)`` as version ``target``; raise LookupError for a missing step."""
    for step in range(version, target):
        if (name, step) not in _UPCASTERS:
            raise LookupError(f"no @upcaster({name!r}, {step}) leads to version {step + 1}")
        data = _UPCASTERS[name, step](data)
    return data


def upcastable(name: str, target: int) -> list[int]:
    """Return the versions of ``name`` that steps lead from to version ``target``, ascending."""
    first = target
    while (name, first - 1) in _UPCASTERS:
        first -= 1
    return list(range(first, target))

"""Values as Python that makes them again, with the imports that it needs."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import msgspec

import factos_django

__all__ = ["PythonText", "Unwritable"]


class Unwritable(Exception):
    """No expression makes this value again; the message says which."""


class PythonText:
    """Writes expressions, and collects what they import.

    ``taken`` are names that the text around them uses for something else.
    """

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._modules: dict[str, str | None] = dict.fromkeys(["datetime", *taken])
        self._whole: set[str] = set()

    def imports(self) -> Iterator[str]:
        """Yield the lines that what was written so far needs, in order."""
        yield from (f"import {module}" for module in sorted(self._whole))
        names: dict[str, list[str]] = {}
        for name, module in self._modules.items():
            if module is not None:
                names.setdefault(module, []).append(name)
        for module in sorted(names):
            yield f"from {module} import {', '.join(sorted(names[module]))}"

    def name_of(self, cls: type[Any]) -> str:
        """Return what ``cls`` is called where it is imported; raise Unwritable for one that cannot be."""
        module, outer = _home(cls)
        if "<locals>" in cls.__qualname__:
            raise Unwritable(f"{cls.__qualname__}, which is made inside a function")
        if self._modules.setdefault(outer, module) == module:
            return cls.__qualname__
        self._whole.add(module)  # another class of this name is imported
        return f"{module}.{cls.__qualname__}"

    def of(self, value: Any) -> str:
        """Return an expression that is equal to ``value``; raise Unwritable where there is none."""
        if isinstance(value, Enum):
            return self._member(value)
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            names = [field.name for field in dataclasses.fields(value) if field.init]
            return self._call(value, names)
        if isinstance(value, msgspec.Struct):
            return self._call(value, value.__struct_fields__)
        for kind, write in _WRITERS:
            if type(value) is kind:
                return write(self, value)
        raise Unwritable(f"a {type(value).__qualname__}")

    def _call(self, value: Any, names: Iterable[str]) -> str:
        given = ", ".join(f"{name}={self.of(getattr(value, name))}" for name in names)
        return f"{self.name_of(type(value))}({given})"

    def _member(self, value: Enum) -> str:
        cls = self.name_of(type(value))
        name = value._name_  # None where flags are combined
        return f"{cls}.{name}" if name in type(value).__members__ else f"{cls}({value.value!r})"

    def _imported(self, value: Any) -> str:
        return f"{self.name_of(type(value))}({str(value)!r})"

    def _moment(self, value: Any) -> str:
        self._whole.add("datetime")
        zone = getattr(value, "tzinfo", None)
        if not isinstance(zone, datetime.timezone | None):
            raise Unwritable(f"a time in {zone!r}")
        return repr(value)

    def _listed(self, values: Iterable[Any]) -> str:
        return ", ".join(map(self.of, values))

    def _tuple(self, value: tuple[Any, ...]) -> str:
        return f"({self._listed(value)}{',' * (len(value) == 1)})"

    def _set(self, value: Any) -> str:
        members = ", ".join(sorted(map(self.of, value)))  # the same each time
        of_members = f"{{{members}}}" if value else ""
        return of_members if value and type(value) is set else f"{type(value).__name__}({of_members})"

    def _dict(self, value: dict[Any, Any]) -> str:
        return f"{{{', '.join(f'{self.of(key)}: {self.of(each)}' for key, each in value.items())}}}"


def _as_it_is(_: PythonText, value: Any) -> str:
    return repr(value)


_WRITERS: list[tuple[type[Any], Callable[[PythonText, Any], str]]] = [
    *((kind, _as_it_is) for kind in (str, int, bool, float, type(None), bytes, bytearray)),
    *((kind, PythonText._imported) for kind in (Decimal, UUID)),
    *(
        (kind, PythonText._moment)
        for kind in (datetime.datetime, datetime.date, datetime.time, datetime.timedelta)
    ),
    (list, lambda text, value: f"[{text._listed(value)}]"),
    (tuple, PythonText._tuple),
    (set, PythonText._set),
    (frozenset, PythonText._set),
    (dict, PythonText._dict),
]


def _home(cls: type[Any]) -> tuple[str, str]:
    """Return from where ``cls``, or the class that it stands in, is imported, and by which name."""
    outer = cls.__qualname__.partition(".")[0]
    is_ours = cls.__module__.startswith("factos_django.core.") and hasattr(factos_django, outer)
    return "factos_django" if is_ours else cls.__module__, outer

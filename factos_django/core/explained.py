"""Exceptions whose data are annotated fields and whose message is their docstring."""

from __future__ import annotations

import dataclasses
import inspect
from typing import Any, dataclass_transform

__all__ = ["Explained", "fields_of"]


@dataclass_transform(kw_only_default=True, eq_default=False)
class Explained(Exception):
    """An exception with named data: each annotated field of a subclass is a keyword argument.

    It compares by identity, like any exception, and pickles with its fields. It is never frozen:
    context managers write ``__traceback__`` on the exceptions that pass through them.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        docstring = cls.__doc__
        dataclasses.dataclass(eq=False, repr=False, kw_only=True)(cls)
        cls.__doc__ = docstring  # dataclass() writes a signature where a class has no docstring

    def __str__(self) -> str:
        return inspect.cleandoc(self.__doc__ or type(self).__name__)

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={value!r}" for name, value in fields_of(self).items())
        return f"{type(self).__name__}({fields})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.args, dict(self.__dict__))


def fields_of(error: Explained) -> dict[str, Any]:
    """Return the data of ``error`` by field name, in the order of declaration."""
    if not dataclasses.is_dataclass(error):
        return {}
    return {field.name: getattr(error, field.name) for field in dataclasses.fields(error)}


def _rebuild(cls: type[Explained], args: tuple[Any, ...], state: dict[str, Any]) -> Explained:
    error = cls.__new__(cls, *args)
    error.__dict__.update(state)
    return error

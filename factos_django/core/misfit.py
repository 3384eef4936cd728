"""Data from outside that a class does not take, or would not keep.

msgspec ignores the members of an object that a class does not have, and rounds a number for a field that
holds fewer digits. Of history that is right. Of what somebody asks to have recorded nothing may be lost.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec.inspect as inspect

from factos_django.core.canonical_json import UnstorableData

__all__ = ["Misfit", "misfit_of", "misfits"]

# msgspec's messages end with where it was.
_PLACE = re.compile(r"(.*?) - at `(?:key` in `)?(\$.*)`", re.DOTALL)

_OBJECTS = (inspect.DataclassType, inspect.StructType, inspect.TypedDictType)
_ARRAYS = (inspect.ListType, inspect.SetType, inspect.FrozenSetType, inspect.VarTupleType)
_TUPLES = (inspect.TupleType, inspect.NamedTupleType)


class Misfit(UnstorableData):
    """Data does not fit its class.

    Attributes:
        path: Where, from the data itself (``$``) on: ``$.lines[2].price``.
        reason: What is wrong there.
    """

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{reason} - at `{path}`")
        self.path = path
        self.reason = reason


def misfit_of(error: Exception) -> Misfit:
    """Return ``error``, of msgspec or with its message, as where it was and what it was."""
    found = _PLACE.fullmatch(str(error))
    return Misfit("$", str(error)) if found is None else Misfit(found[2], found[1])


def misfits(kind: inspect.Type, data: Any, path: str = "$") -> Iterator[Misfit]:
    """Yield what an instance of ``kind`` would not keep of ``data``, parsed JSON that it can be made from."""
    if isinstance(kind, inspect.UnionType):
        kind = _chosen(kind, data)
    if isinstance(data, dict):
        yield from _of_object(kind, data, path)
    elif isinstance(data, list):
        for n, (each, value) in enumerate(_members(kind, data, path)):
            yield from [value] if isinstance(value, Misfit) else misfits(each, value, f"{path}[{n}]")
    elif isinstance(kind, inspect.FloatType) and isinstance(data, int) and _rounds(data):
        yield Misfit(path, "A float does not keep so many digits")
    elif isinstance(kind, inspect.DecimalType) and isinstance(data, float):
        yield Misfit(path, "Send a decimal number as a string: a JSON number may be rounded on its way")


def _of_object(kind: inspect.Type, data: dict[str, Any], path: str) -> Iterator[Misfit]:
    if isinstance(kind, inspect.DictType):
        for name, value in data.items():
            yield from misfits(kind.value_type, value, f"{path}.{name}")
    elif isinstance(kind, _OBJECTS):
        fields = {field.encode_name: field.type for field in kind.fields}
        for name, value in data.items():
            if name in fields:
                yield from misfits(fields[name], value, f"{path}.{name}")
            elif name != getattr(kind, "tag_field", None):
                yield Misfit(f"{path}.{name}", f"There is no member `{name}`")


def _members(kind: inspect.Type, data: list[Any], path: str) -> Iterable[tuple[inspect.Type, Any]]:
    """Return each member of ``data`` with its type; a Misfit for one that has none."""
    if isinstance(kind, _ARRAYS):
        return [(kind.item_type, value) for value in data]
    if isinstance(kind, _TUPLES):
        types = kind.item_types if isinstance(kind, inspect.TupleType) else [f.type for f in kind.fields]
        return zip(types, data, strict=False)
    if isinstance(kind, inspect.StructType):
        return _members_of_struct(kind, data, path)
    return []


def _members_of_struct(
    kind: inspect.StructType, data: list[Any], path: str
) -> Iterable[tuple[inspect.Type, Any]]:
    tag = [inspect.AnyType()] if kind.tag is not None else []
    types: list[inspect.Type] = [*tag, *(field.type for field in kind.fields)]
    excess = [(inspect.AnyType(), Misfit(f"{path}[{len(types)}]", "There is no such member"))]
    return [*zip(types, data, strict=False), *(excess if len(data) > len(types) else [])]


def _chosen(union: inspect.UnionType, data: Any) -> inspect.Type:
    """Return the type of ``union`` that msgspec makes of ``data``: one of each form, or one by its tag."""
    if isinstance(data, dict):
        tagged = [
            each for each in union.types if isinstance(each, inspect.StructType) and not each.array_like
        ]
        found = [
            each for each in tagged if each.tag is not None and data.get(str(each.tag_field)) == each.tag
        ]
        others = [each for each in union.types if isinstance(each, (*_OBJECTS, inspect.DictType))]
        return next(iter(found or others), inspect.AnyType())
    if isinstance(data, list):
        forms = [each for each in union.types if isinstance(each, (*_ARRAYS, *_TUPLES))]
        tagged = [each for each in union.types if isinstance(each, inspect.StructType) and each.array_like]
        found = [each for each in tagged if each.tag is None or data[:1] == [each.tag]]
        return next(iter([*found, *forms]), inspect.AnyType())
    numbers = {type(each): each for each in union.types}
    is_whole = isinstance(data, int) and inspect.IntType in numbers
    wanted = () if is_whole else (inspect.FloatType, inspect.DecimalType)
    return next((numbers[each] for each in wanted if each in numbers), inspect.AnyType())


def _rounds(number: int) -> bool:
    try:
        return int(float(number)) != number
    except OverflowError:
        return True

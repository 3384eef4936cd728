"""A query as the Python that makes it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from factos_django.core.event_types import EVENT_TYPES
from factos_django.core.query import Query, QueryItem

__all__ = ["query_in_python"]


def query_in_python(query: Query) -> str:
    """Return the imports and the expression that make ``query``.

    Types are named by their classes where these are registered and can be imported, else by their stored
    names.
    """
    if query.everything:
        return "from factos_django import Query\n\nQuery.all()\n"
    classes = _classes(name for item in query.items for name in item.types)
    imports = {("factos_django", "Query"), ("factos_django", "QueryItem")}
    imports |= {(cls.__module__, cls.__qualname__.partition(".")[0]) for cls in classes.values()}
    items = "".join(f"    {_item(item, classes)},\n" for item in query.items)
    return f"{_imports(imports)}\nQuery.of(\n{items})\n"


def _classes(names: Iterable[str]) -> dict[str, type]:
    """Return the classes of those ``names`` that have one which no other of them hides."""
    found: dict[str, type] = {}
    taken = {"Query": "factos_django", "QueryItem": "factos_django"}
    for name in sorted(set(names)):
        kind = EVENT_TYPES.named(name)
        if kind is None or not _can_be_imported(kind.cls):
            continue
        first = kind.cls.__qualname__.partition(".")[0]
        if taken.setdefault(first, kind.cls.__module__) == kind.cls.__module__:
            found[name] = kind.cls
    return found


def _can_be_imported(cls: type) -> bool:
    return cls.__module__ != "__main__" and "<locals>" not in cls.__qualname__


def _imports(names: Iterable[tuple[str, str]]) -> str:
    by_module: dict[str, list[str]] = {}
    for module, name in sorted(names, key=lambda each: (each[0] != "factos_django", each)):
        by_module.setdefault(module, []).append(name)
    return "".join(f"from {module} import {', '.join(some)}\n" for module, some in by_module.items())


def _item(item: QueryItem, classes: dict[str, type]) -> str:
    types = [classes[name].__qualname__ if name in classes else _literal(name) for name in item.types]
    said = {"types": types, "tags": [_literal(tag) for tag in item.tags]}
    return f"QueryItem({', '.join(f'{name}={_list(some)}' for name, some in said.items() if some)})"


def _list(texts: Sequence[str]) -> str:
    return f"[{', '.join(texts)}]"


def _literal(text: str) -> str:
    """Return ``text`` as a literal, in double quotes where that takes no escape. No character hides in it."""
    said = repr(text)
    return said if '"' in text or said.startswith('"') else f'"{said[1:-1]}"'

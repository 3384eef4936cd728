"""A query as JSON."""

from __future__ import annotations

import json
from typing import Any

from factos_django.core.query import Query

__all__ = ["query_in_json"]


def query_in_json(query: Query, *, after: int = 0, before: int | None = None) -> str:
    """Return the body by which ``POST events/query/`` of the REST API is asked for the same facts.

    Each item has a line of its own.
    """
    positions = {"after": after or None, "before": before}
    said = {name: _json(position) for name, position in positions.items() if position is not None}
    members = {"query": _query(query.as_data())} | said
    return "{\n" + ",\n".join(f'  "{name}": {text}' for name, text in members.items()) + "\n}\n"


def _query(data: dict[str, Any]) -> str:
    if "items" not in data:
        return _json(data)
    items = ",\n".join(f"      {_json(item)}" for item in data["items"])
    return f'{{\n    "items": [\n{items}\n    ]\n  }}'


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)

"""A query as JSON."""

from __future__ import annotations

import json

from factos_django.core.query import Query

__all__ = ["query_in_json"]


def query_in_json(query: Query, *, after: int = 0, before: int | None = None) -> str:
    """Return the body by which ``POST events/query/`` of the REST API is asked for the same facts."""
    body = {"query": query.as_data(), "after": after or None, "before": before}
    said = {name: value for name, value in body.items() if value is not None}
    return json.dumps(said, ensure_ascii=False, indent=2)

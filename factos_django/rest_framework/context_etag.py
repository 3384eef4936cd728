"""The ETag of a context: what a client decided from, in one word, for ``If-Match``."""

from __future__ import annotations

import hashlib

from factos_django.core.canonical_json import encode_json
from factos_django.core.query import Query

__all__ = ["etag_of"]


def etag_of(query: Query, position: int) -> str:
    """Return the strong ETag of what ``query`` matches up to ``position``, in its quotes.

    It is the same for the same items in any order, on every server. It tells nothing about the query to who
    does not know it, and nothing about a context that has moved: compare it to that of the context now.

    Args:
        query: What the decision depends on.
        position: Of the last fact that matches it; 0 where none does.
    """
    said = encode_json({"query": query.as_data(), "position": position})
    return f'"{hashlib.sha256(said).hexdigest()}"'

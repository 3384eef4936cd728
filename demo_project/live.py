"""Pages that follow the log: where their facts come from. The rest is in ``static/demo/live.js``."""

from __future__ import annotations

from django.urls import reverse
from django.utils.http import urlencode

from factos_django import QueryItem

__all__ = ["feed_of"]


def feed_of(item: QueryItem) -> str:
    """Return the address of the feed of the facts that match ``item``."""
    return f"{reverse('factos:event-feed')}?{urlencode({'type': item.types, 'tag': item.tags}, doseq=True)}"

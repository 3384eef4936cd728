"""What a page of the admin says, for tests."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

from django.utils.html import strip_tags

__all__ = ["words_of"]


def words_of(answer: Any) -> str:
    """Return the words of a page, without its markup and with single spaces."""
    return re.sub(r"\s+", " ", unescape(strip_tags(answer.content.decode()))).strip()

"""Numbers as addresses and people write them."""

from __future__ import annotations

import re

from factos_django.core.position import LAST_POSITION

__all__ = ["number_of"]


def number_of(text: str) -> int | None:
    """Return the id or the position that ``text`` says; None where it can be none."""
    if not re.fullmatch("[0-9]{1,19}", text) or int(text) > LAST_POSITION:
        return None
    return int(text)

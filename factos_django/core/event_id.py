"""Ids of events whose client gave none."""

from __future__ import annotations

import os
import time
from uuid import UUID

__all__ = ["new_event_ids"]


def new_event_ids(count: int) -> list[UUID]:
    """Return ``count`` new ids, random but for the time in their first 48 bits (UUID version 7, RFC 9562).

    Ids of one time stand together in the index, where wholly random ones would touch a page each.
    Their order means nothing: it is positions that are ordered.
    """
    moment = (time.time_ns() // 1_000_000).to_bytes(6, "big")
    random = os.urandom(10 * count)
    return [_version_7(moment + random[start : start + 10]) for start in range(0, 10 * count, 10)]


def _version_7(sixteen: bytes) -> UUID:
    number = int.from_bytes(sixteen, "big")
    return UUID(int=number & ~(0xF << 76) & ~(0x3 << 62) | 7 << 76 | 2 << 62)

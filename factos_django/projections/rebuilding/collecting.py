"""Python's garbage collector, told that many objects stay."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["rare_collections"]

#: Objects between two collections of the youngest, and how seldom all are looked through.
_YOUNG, _ALL = 50_000, 1_000_000


@contextmanager
def rare_collections() -> Iterator[None]:
    """Look through all objects next to never inside the block.

    A rebuild keeps hundreds of thousands of rows, which are no garbage; to look through them again and
    again, as each page of events makes the collector do, takes longer than to fold them.
    """
    before = gc.get_threshold()
    gc.set_threshold(max(_YOUNG, before[0]) if before[0] else 0, before[1], _ALL)
    try:
        yield
    finally:
        gc.set_threshold(*before)

"""Connections of whoever waits for facts: held while rows are read, and not a moment longer."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from django.db import Error, connections

__all__ = ["give_back_connections", "reading_briefly"]

#: How many of those who were woken read at a time (clients): a fact wakes all of them at once.
_AT_ONCE = 4


class _Turns:
    """The turns to read, of one process."""

    def __init__(self) -> None:
        self.begin_anew()

    def begin_anew(self) -> None:
        """Forget who reads: in a forked process these are its parent's threads."""
        self.free = threading.Semaphore(_AT_ONCE)


_TURNS = _Turns()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_TURNS.begin_anew)


@contextmanager
def reading_briefly() -> Iterator[None]:
    """Run the block, which reads, when it is its turn; then give back the connections of this thread."""
    with _TURNS.free:
        try:
            yield
        finally:
            give_back_connections()


def give_back_connections() -> None:
    """Close every connection of this thread, or give it back to its pool, unless a transaction is open."""
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block:
            with suppress(Error):
                connection.close()

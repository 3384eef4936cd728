"""Stamps: metadata that every append inside a block carries."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeAlias

from factos_django.core.metadata import MetadataValue, checked_metadata

__all__ = ["Stamp", "current_stamps", "stamp"]

#: A value, or a function that gives it when an append first needs it, before any lock is taken.
Stamp: TypeAlias = "MetadataValue | Callable[[], MetadataValue]"

_STAMPS: ContextVar[dict[str, Stamp]] = ContextVar("factos_stamps", default={})  # noqa: B039  # never mutated


@contextmanager
def stamp(**stamps: Stamp) -> Iterator[None]:
    """Put ``stamps`` on every append inside the block, over those of the blocks around it.

    It is bound to the context (thread or asyncio task), not to a database. The metadata given to an
    append itself goes over the stamps; a stamp whose value is None is left out.
    """
    checked_metadata({name: None if callable(value) else value for name, value in stamps.items()})
    token = _STAMPS.set({**_STAMPS.get(), **stamps})
    try:
        yield
    finally:
        _STAMPS.reset(token)


def current_stamps() -> dict[str, MetadataValue]:
    """Return the stamps in force, functions called, None left out."""
    values = {name: value() if callable(value) else value for name, value in _STAMPS.get().items()}
    return {name: value for name, value in values.items() if value is not None}

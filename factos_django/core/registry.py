"""Named registries of classes: one name, one class, both ways."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Generic, Protocol, TypeVar

from factos_django.core.errors import RegistrationError

__all__ = ["Entry", "Registry"]


class Entry(Protocol):
    """What a registry holds: a class under a stable name and a version."""

    @property
    def name(self) -> str: ...
    @property
    def version(self) -> int: ...
    @property
    def cls(self) -> type[Any]: ...


E = TypeVar("E", bound=Entry)


class Registry(Generic[E]):
    """The classes of one kind that the application has declared in this process.

    It stores nothing: names and versions are stored with each event, class paths never are.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._by_name: dict[str, E] = {}
        self._by_class: dict[type[Any], E] = {}

    def register(self, entry: E) -> None:
        """Add ``entry``; raise RegistrationError if its name or its class is taken.

        The same class, defined again by a module that was reloaded, takes its own place.
        """
        for known in (self._by_name.get(entry.name), self._by_class.get(entry.cls)):
            if known is not None and _path(known) != _path(entry):
                raise RegistrationError(what=self.kind, name=entry.name, reason=_clash(known, entry))
        if replaced := self._by_name.get(entry.name):
            del self._by_class[replaced.cls]
        self._by_name[entry.name] = entry
        self._by_class[entry.cls] = entry

    def named(self, name: str) -> E | None:
        """Return the entry of ``name``, or None."""
        return self._by_name.get(name)

    def of(self, cls: type[Any]) -> E | None:
        """Return the entry of ``cls`` itself (never that of a base class), or None."""
        return self._by_class.get(cls)

    def __iter__(self) -> Iterator[E]:
        return iter(tuple(self._by_name.values()))


def _path(entry: Entry) -> tuple[str, str, str]:
    return entry.name, entry.cls.__module__, entry.cls.__qualname__


def _clash(known: Entry, entry: Entry) -> str:
    held = f"{known.cls.__module__}.{known.cls.__qualname__}"
    return (
        f"{held} is registered as {known.name!r}; {entry.cls.__module__}.{entry.cls.__qualname__} cannot be"
    )

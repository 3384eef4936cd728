"""What the application has registered to happen with its facts: projections, reactors, handlers of effects.

It holds them and calls none. What takes part in the transaction of an append is asked for by the store,
which knows it by the contract ``Participant`` alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Generic, Protocol, TypeVar

from factos_django.core.errors import RegistrationError
from factos_django.core.event import Recorded
from factos_django.core.naming import checked_name
from factos_django.core.query import Query

__all__ = [
    "HANDLERS",
    "PROJECTIONS",
    "REACTORS",
    "Named",
    "Participant",
    "Registered",
    "followers",
    "participants",
]


class Named(Protocol):
    """What is registered: it has a stable name, which is stored."""

    @property
    def name(self) -> str: ...


class Participant(Protocol):
    """What happens in the transaction of an append, with its facts, after they are recorded."""

    @property
    def name(self) -> str: ...
    @property
    def query(self) -> Query: ...

    def takes_part(self, using: str) -> bool:
        """Tell whether it has to do with the facts of the database ``using`` at all."""

    def row_locks(self, foreseen: Recorded[Any]) -> Iterable[str]:
        """Return names for the rows that it will write for this fact, which has no position yet.

        They are locked before any position is drawn, so that rows fold in the order of positions.
        """

    def take_part(self, recorded: Sequence[Recorded[Any]], using: str, locked: frozenset[str]) -> None:
        """Do it, with the facts of one append that match its query, in order.

        ``locked`` is what it named of their rows before: it writes no other.
        """


N = TypeVar("N", bound=Named)


class Registered(Generic[N]):
    """Things of one kind by their names, in the order of these."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._by_name: dict[str, N] = {}

    def register(self, thing: N) -> None:
        """Add ``thing``; raise RegistrationError if its name is taken."""
        if checked_name(thing.name) in self._by_name:
            raise RegistrationError(what=self.kind, name=thing.name, reason="the name is taken")
        self._by_name[thing.name] = thing
        self._by_name = dict(sorted(self._by_name.items()))

    def unregister(self, name: str) -> None:
        """Forget what has this name, if anything; for tests."""
        self._by_name.pop(name, None)

    def named(self, name: str) -> N | None:
        """Return what has this name, or None."""
        return self._by_name.get(name)

    def __iter__(self) -> Iterator[N]:
        return iter(tuple(self._by_name.values()))

    def __len__(self) -> int:
        return len(self._by_name)


#: Every projection of this process. (What they are is known to factos_django.projections.)
PROJECTIONS: Registered[Any] = Registered("Projection")


#: Every reactor of this process. (What they are is known to factos_django.effects, as that of handlers.)
REACTORS: Registered[Any] = Registered("Reactor")

#: Every handler of this process, by the name of the effect type that it delivers.
HANDLERS: Registered[Any] = Registered("Handler of effect")


def participants(using: str) -> list[Participant]:
    """Return what takes part in appends to the database ``using``: rows first, then effects."""
    inline = [each for each in PROJECTIONS if each.inline]
    return [each for each in (*inline, *REACTORS) if each.takes_part(using)]


def followers(using: str) -> list[Any]:
    """Return the projections that follow the log of the database ``using``, in the order of names."""
    return [each for each in PROJECTIONS if not each.inline and each.takes_part(using)]

"""Declaring reactors: which facts, and which effects they call for.

They are declared in ``<app>/factos.py``, so that every process knows them once Django has started: a process
that does not know a reactor records facts without its effects.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from inspect import iscoroutinefunction
from typing import Any, TypeVar

from django.db import router

from factos_django.core.errors import RegistrationError, UnknownReactor
from factos_django.core.event import Recorded
from factos_django.core.naming import checked_name
from factos_django.core.query import Query
from factos_django.core.reactor import Reactor
from factos_django.effects.outbox.asking import ask
from factos_django.effects.reacting import Wanted, wanted_for
from factos_django.models import Effect
from factos_django.registry import REACTORS

__all__ = ["DeclaredReactor", "reactor", "reactor_named"]

E = TypeVar("E")
F = TypeVar("F")


@dataclass(frozen=True, slots=True, eq=False)
class DeclaredReactor:
    """One declared reactor: it takes part in every append of facts that match its query.

    Attributes:
        name: Its stable name; it is stored with each of its effects.
        query: The facts that it is told of.
        reactor: What it does with them.
    """

    name: str
    query: Query
    reactor: Reactor[Any, Any]

    def takes_part(self, using: str) -> bool:
        """Tell whether the outbox may be in the database ``using``, as the project's routers say."""
        return bool(router.allow_migrate_model(using, Effect))

    def row_locks(self, foreseen: Recorded[Any]) -> Iterable[str]:
        """Return nothing: nobody else writes the rows of a fact that is new."""
        del foreseen
        return ()

    def take_part(self, recorded: Sequence[Recorded[Any]], using: str, locked: frozenset[str]) -> None:
        """Write what it asks for into the outbox, in the transaction of the facts."""
        del locked
        ask(self.wanted(recorded), using)

    def wanted(self, recorded: Iterable[Recorded[Any]]) -> list[Wanted]:
        """Return what it asks for, and write nothing; raises as ``wanted_for`` does."""
        return wanted_for(self.name, self.reactor.react, recorded)


def reactor(name: str, *, query: Query) -> Callable[[Callable[[Recorded[E]], Sequence[F]]], Reactor[E, F]]:
    """Register a pure function from a fact to the effects that it calls for.

    It runs in the transaction of the append, for each fact that matches ``query``, and its effects are
    written there: they commit with the fact, or not at all. It is run neither by a rebuild nor for facts that
    were recorded before it was declared (``manage.py factos_react`` does that). Its errors refuse the append.

    Args:
        name: Its stable name, 1 to 100 of ``A-Z a-z 0-9 . _ : -``. Under another name it is another reactor.
        query: The facts that it is told of.

    Returns:
        A decorator that gives back a core ``Reactor``, which can be called as the function can.

    Raises:
        InvalidName: The name is none.
        RegistrationError: The name is taken, ``query`` is no Query, or what is decorated no function.
    """
    checked_name(name)
    if not isinstance(query, Query):
        raise RegistrationError(what="Reactor", name=name, reason="query= takes a Query")

    def register(react: Callable[[Recorded[E]], Sequence[F]]) -> Reactor[E, F]:
        if not callable(react) or iscoroutinefunction(react):
            raise RegistrationError(what="Reactor", name=name, reason="it is a function, and not async")
        made = react if isinstance(react, Reactor) else Reactor(react)
        REACTORS.register(DeclaredReactor(name, query, made))
        return made

    return register


def reactor_named(name: str) -> DeclaredReactor:
    """Return the reactor ``name``; raise UnknownReactor."""
    found: DeclaredReactor | None = REACTORS.named(name)
    if found is None:
        raise UnknownReactor(name=name, known=", ".join(each.name for each in REACTORS) or "none")
    return found

"""Every store that the tests run on: a database and the guard that its appends take."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pytest
from django.conf import settings

__all__ = ["STORES", "Store", "flushed", "on_databases"]


@dataclass(frozen=True)
class Store:
    """A database alias and a guard."""

    using: str
    guard: str

    @property
    def id(self) -> str:
        return f"{'sqlite' if self.using == 'default' else self.using}-{self.guard}"


_ALL = [Store("default", "log"), Store("postgres", "tags"), Store("postgres", "log"), Store("mariadb", "log")]
STORES = [store for store in _ALL if store.using in settings.DATABASES]


def flushed(using: str, *others: str) -> pytest.MarkDecorator:
    """Let a test commit in these databases and reach no other: what it may reach is flushed after it."""
    return pytest.mark.django_db(transaction=True, databases=[using, *others])


def on_databases(*aliases: str, also: Iterable[str] = ()) -> Any:
    """Parametrise a test by ``store``, over the stores of these aliases that answered (default: all).

    It reaches the database of its store alone, and those of ``also``.
    """
    chosen = [store for store in STORES if not aliases or store.using in aliases]
    cases = [pytest.param(store, id=store.id, marks=[flushed(store.using, *also)]) for store in chosen]
    return pytest.mark.parametrize("store", cases, indirect=True)

"""The contract of a guard."""

from __future__ import annotations

from typing import Protocol

from factos_django.guards.claim import Claim

__all__ = ["Guard"]


class Guard(Protocol):
    """Locks until the transaction ends or its savepoint is rolled back.

    A guard remembers nothing in Python: a savepoint that is rolled back gives locks up behind its back.
    """

    name: str
    #: Whether ``hold`` locks something; if not, the statement that reads and writes takes all locks.
    holds_row: bool

    def hold(self, using: str) -> None:
        """Wait for what this guard locks before anything is read, by statements of its own.

        It raises the database's error for a wait that lasted too long, and WrongIsolation (or the
        error that stands for it) where later reads could be old.
        """

    def claim(self, claim: Claim) -> Claim:
        """Return what the statements of an append have to lock, where ``claim`` is what it needs."""

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
    #: Whether it locks the tags of the claim, which must then be chosen before it is held.
    locks_tags: bool

    def hold(self, claim: Claim, using: str) -> None:
        """Wait for what ``claim`` asks for. What is read by a later statement is then current.

        It raises the database's error for a wait that lasted too long, and WrongIsolation (or the
        error that stands for it) where later reads could be old.
        """

    def still_to_share(self, claim: Claim, tags: frozenset[str]) -> frozenset[str]:
        """Return those of ``tags`` (of the new events) that must be shared before positions are drawn."""

    def holds_keys(self, claim: Claim, keys: frozenset[str]) -> bool:
        """Tell whether ``claim`` keeps everybody else from appending under ``keys``."""

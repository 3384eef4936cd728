"""What one append needs to lock. It is a wish: what is locked, the database alone knows."""

from __future__ import annotations

from dataclasses import dataclass, replace

from factos_django.core.query import Query

__all__ = ["MOST_LOCKS", "Claim"]

#: Above this many locks an append takes the whole log instead: PostgreSQL's lock table is shared by
#: the whole cluster, and has room for max_locks_per_transaction (64) times the connections.
MOST_LOCKS = 256


@dataclass(frozen=True, slots=True)
class Claim:
    """Tags and keys to lock, or the whole log.

    Attributes:
        guards: Tags held exclusively: one of each query item, since a matching event carries them all.
        shares: Tags of new events, shared with other appends that decide by other tags.
        keys: Idempotency keys and event ids given by the client, held exclusively.
        whole_log: Nobody else may append meanwhile.
    """

    guards: frozenset[str] = frozenset()
    shares: frozenset[str] = frozenset()
    keys: frozenset[str] = frozenset()
    whole_log: bool = False

    @classmethod
    def of(cls, query: Query | None, keys: frozenset[str] = frozenset()) -> Claim:
        """Return what a decision by ``query`` (None: a blind append) needs, with ``keys``."""
        if query is None:
            return cls(keys=keys).within_limit()
        tagless = query.everything or not all(item.tags for item in query.items)
        guards = frozenset(item.tags[0] for item in query.items if item.tags)
        return cls(guards, keys=keys, whole_log=tagless).within_limit()

    def sharing(self, tags: frozenset[str]) -> Claim:
        """Return the claim that also shares ``tags``; a claim only grows."""
        return replace(self, shares=self.shares | (tags - self.guards)).within_limit()

    def locking(self, keys: frozenset[str]) -> Claim:
        """Return the claim that also locks ``keys``."""
        return replace(self, keys=self.keys | keys).within_limit()

    def of_whole_log(self) -> Claim:
        """Return the claim to be alone."""
        return replace(self, whole_log=True)

    def within_limit(self) -> Claim:
        """Return the claim itself, or that of the whole log if it asks for too many locks."""
        locks = len(self.guards) + len(self.shares) + len(self.keys)
        return self.of_whole_log() if locks > MOST_LOCKS else self

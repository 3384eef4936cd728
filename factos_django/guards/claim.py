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
    """A context, tags and keys to lock, or the whole log.

    Attributes:
        query: One tag of each of its items is held exclusively (a matching event carries them all).
        shares: Tags of new events, shared with other appends that decide by other tags.
        keys: Idempotency keys and event ids given by the client, held exclusively.
        rows: Names of the rows that inline projections will write, held exclusively.
        whole_log: Nobody else may append meanwhile.
    """

    query: Query | None = None
    shares: frozenset[str] = frozenset()
    keys: frozenset[str] = frozenset()
    rows: frozenset[str] = frozenset()
    whole_log: bool = False

    @classmethod
    def of(
        cls,
        query: Query | None,
        *,
        shares: frozenset[str] = frozenset(),
        keys: frozenset[str] = frozenset(),
        rows: frozenset[str] = frozenset(),
    ) -> Claim:
        """Return what a decision by ``query`` (None: a blind append) needs."""
        tagless = query is not None and (query.everything or not all(item.tags for item in query.items))
        return cls(query, shares, keys, rows, whole_log=tagless)._within_limit()

    def sharing(self, tags: frozenset[str]) -> Claim:
        """Return the claim that also shares ``tags``; a claim only grows."""
        return replace(self, shares=self.shares | tags)._within_limit()

    def locking(self, keys: frozenset[str]) -> Claim:
        """Return the claim that also locks ``keys``."""
        return replace(self, keys=self.keys | keys)._within_limit()

    def writing(self, rows: frozenset[str]) -> Claim:
        """Return the claim that also locks ``rows``."""
        return replace(self, rows=self.rows | rows)._within_limit()

    def of_whole_log(self) -> Claim:
        """Return the claim to be alone."""
        return replace(self, whole_log=True)

    def _within_limit(self) -> Claim:
        items = 0 if self.query is None else len(self.query.items)
        locks = items + len(self.shares) + len(self.keys) + len(self.rows)
        return self.of_whole_log() if locks > MOST_LOCKS else self

"""The guard of PostgreSQL: advisory locks on the tags that a decision names.

Any event that could match a query item carries all of the item's tags, so whoever appends one shares
each of them, and one of them, held exclusively, is enough to guard the item.
"""

from __future__ import annotations

from factos_django.guards.advisory import hold_advisory
from factos_django.guards.claim import Claim

__all__ = ["LockedTags"]


class LockedTags:
    """Locks the claim's tags: appends wait for each other only where their tags meet."""

    name = "tags"
    locks_tags = True

    def hold(self, claim: Claim, using: str) -> None:
        """Take the gate, the keys, and the tags in one sorted pass."""
        hold_advisory(claim, using)

    def still_to_share(self, claim: Claim, tags: frozenset[str]) -> frozenset[str]:
        """Return the tags that the claim did not ask for; what it asked for, the database holds."""
        return frozenset() if claim.whole_log else tags - claim.guards - claim.shares

    def holds_keys(self, claim: Claim, keys: frozenset[str]) -> bool:
        """Tell whether the claim asked for them."""
        return claim.whole_log or keys <= claim.keys

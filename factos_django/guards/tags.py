"""The guard of PostgreSQL: advisory locks on the tags that a decision names.

Any event that could match a query item carries all of the item's tags, so whoever appends one shares
each of them, and one of them, held exclusively, is enough to guard the item.
"""

from __future__ import annotations

from factos_django.guards.claim import Claim

__all__ = ["LockedTags"]


class LockedTags:
    """Locks the claim's tags: appends wait for each other only where their tags meet."""

    name = "tags"
    holds_row = False

    def hold(self, using: str) -> None:
        """Do nothing: the database's functions take the locks, in the call that then reads."""

    def claim(self, claim: Claim) -> Claim:
        """Return the claim itself."""
        return claim

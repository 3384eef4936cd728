"""What came of a rebuild, or of a check."""

from __future__ import annotations

from dataclasses import dataclass

from factos_django.projections.rebuilding.difference import Counts, Different

__all__ = ["Computed"]


@dataclass(frozen=True, slots=True)
class Computed:
    """What came of computing one projection again.

    Attributes:
        name: Of the projection.
        checked: Whether it was only looked at; then nothing was written.
        events: How many facts were folded.
        position: Up to which the rows are right (a rebuild), or were compared (a check).
        counts: The rows that were not as they should be.
        sample: Some of these, after a check.
        parked: How many events it went on without.
        seconds: How long it took.
        seconds_held: How long of that appends had to wait, or the follower.
    """

    name: str
    checked: bool
    events: int
    position: int
    counts: Counts
    sample: tuple[Different, ...] = ()
    parked: int = 0
    seconds: float = 0.0
    seconds_held: float = 0.0

    @property
    def is_right(self) -> bool:
        """Whether there was no difference."""
        return self.counts.all == 0

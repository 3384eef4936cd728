"""What is computed from measurements. The median is that of the standard library."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from tests.benchmarks.tasks import Result

__all__ = ["p50_and_p99", "percentile", "rate", "ratio"]


def rate(results: Iterable[Result]) -> float:
    """Operations a second of clients that began at one word: all of them, by the time of the slowest."""
    known = list(results)
    return float(sum(each["count"] for each in known) / max(each["seconds"] for each in known))


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest of the values that at least ``percent`` of them do not exceed."""
    rank = math.ceil(len(values) * percent / 100)
    return sorted(values)[max(rank, 1) - 1]


def p50_and_p99(values: Sequence[float]) -> list[float | None]:
    """The values of two lines."""
    return [percentile(values, 50), percentile(values, 99)]


def ratio(ours: float | None, other: float | None) -> float | None:
    """Ours divided by the other; None if there is none, or nothing to divide by."""
    return None if ours is None or not other else ours / other

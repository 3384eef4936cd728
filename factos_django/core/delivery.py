"""Delivering effects: what a handler is told, when it is tried again, and how it steers one attempt."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID, uuid5

from factos_django.core.errors import InvalidDelivery
from factos_django.core.metadata import MetadataValue

__all__ = ["Backoff", "Delivery", "Fatal", "RetryLater", "effect_key", "is_wait"]

#: A hundred years (seconds): every database knows the moment that comes so much later.
_LONGEST_WAIT = 3_155_760_000

#: Stands for the fact in a test that needs none.
_NO_EVENT = UUID(int=0)


def is_wait(seconds: object) -> bool:
    """Tell whether ``seconds`` is a number of them that can be waited: from 0 to a hundred years."""
    is_number = isinstance(seconds, (int, float)) and not isinstance(seconds, bool)
    return is_number and 0 <= seconds <= _LONGEST_WAIT  # type: ignore[operator]  # NaN is in no range


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One attempt to deliver an effect.

    Attributes:
        key: The same in every attempt for the same effect of the same fact, and no other's: hand it to the
            far end as its idempotency key. (36 characters.)
        attempt: Counts the attempts, from 1. It was counted before this one began.
        position: That of the fact that called for the effect.
        event_id: The id of that fact.
        reactor: The name of the reactor that asked for it.
        metadata: What is known about the making of that fact.
        using: The alias of the database that holds it.
    """

    key: str
    attempt: int = 1
    position: int = 0
    event_id: UUID = _NO_EVENT
    reactor: str = ""
    metadata: Mapping[str, MetadataValue] = field(default_factory=dict, hash=False)
    using: str = "default"


def effect_key(reactor: str, event_id: UUID, effect: str, key: str) -> str:
    """Return the key of an effect at the far end: a UUID (version 5, RFC 9562) of what tells it from others.

    Neither names nor keys hold a line feed in the first two places, so no two effects share one.
    """
    return str(uuid5(event_id, f"{reactor}\n{effect}\n{key}"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """How long to wait after a failed attempt: ``first`` seconds, then ``factor`` times as long each time.

    Each wait is shortened by up to ``jitter`` of itself at random, so that those who failed together do not
    come back together (M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015).

    Attributes:
        first: The longest first wait (seconds).
        factor: 1 or more.
        limit: No wait is longer (seconds).
        jitter: From 0 (none) to 1 (anything from no wait on).
    """

    first: float = 2.0
    factor: float = 2.0
    limit: float = 3600.0
    jitter: float = 0.5

    def __post_init__(self) -> None:
        for name, least, most in (
            ("first", 0, _LONGEST_WAIT),
            ("factor", 1, math.inf),
            ("limit", 0, _LONGEST_WAIT),
            ("jitter", 0, 1),
        ):
            value = getattr(self, name)
            is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
            if not is_number or not (math.isfinite(value) and least <= value <= most):
                raise InvalidDelivery(reason=f"{name} = {value!r} is no number from {least} to {most}")

    def seconds(self, attempt: int, chance: float | None = None) -> float:
        """Return how long to wait after attempt number ``attempt`` failed.

        ``chance`` is from 0 (the longest wait) to 1; by default a random number.
        """
        try:
            longest = min(self.first * float(self.factor) ** (attempt - 1), self.limit)
        except OverflowError:
            longest = self.limit
        drawn = random.random() if chance is None else chance
        return longest * (1 - self.jitter * drawn)


class RetryLater(Exception):  # it is no error: it says when
    """Raised by a handler: this attempt failed, and the next one is due after ``seconds``.

    It goes over the backoff, and counts as an attempt.
    """

    def __init__(self, seconds: float, reason: str = "") -> None:
        if not is_wait(seconds):
            raise InvalidDelivery(reason=f"{seconds!r} is no number of seconds from 0 to {_LONGEST_WAIT}")
        super().__init__(seconds, reason)
        self.seconds = float(seconds)
        self.reason = reason

    def __str__(self) -> str:
        return self.reason or f"to be tried again in {self.seconds:g} s"


class Fatal(Exception):
    """Raised by a handler: no other attempt will do better. The effect is dead at once."""

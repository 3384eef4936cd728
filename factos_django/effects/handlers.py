"""Handlers: what delivers the effects of one type, and the policy that the application gave it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from factos_django.conf import conf
from factos_django.core.delivery import Backoff, Delivery
from factos_django.core.effect import EffectType

__all__ = ["Handler", "Policy"]

E = TypeVar("E", contravariant=True)

_USUAL = Backoff()


@dataclass(frozen=True, slots=True)
class Policy:
    """What happens when an attempt fails.

    Attributes:
        max_attempts: After so many the effect is dead.
        backoff: How long to wait between them.
        fatal: Errors after which no other attempt is made.
        lease_seconds: How long an attempt may take; None: FACTOS_EFFECT_LEASE_SECONDS.
        dead_holds: Whether effects with the same ordering key wait for a dead one until somebody retries or
            drops it. Else they go on without it.
    """

    max_attempts: int = 5
    backoff: Backoff = _USUAL
    fatal: tuple[type[Exception], ...] = ()
    lease_seconds: float | None = None
    dead_holds: bool = False

    @property
    def lease(self) -> float:
        """How long an attempt may take (seconds)."""
        return conf.EFFECT_LEASE_SECONDS if self.lease_seconds is None else self.lease_seconds


@dataclass(frozen=True, eq=False)
class Handler(Generic[E]):
    """Delivers the effects of one type. It can be called, as the function that it was made of.

    Attributes:
        name: The name of the effect type.
        kind: The effect type.
        function: What delivers: ``function(effect, delivery)``.
        policy: What happens when it fails.
    """

    name: str
    kind: EffectType
    function: Callable[[E, Delivery], Any]
    policy: Policy

    def __call__(self, effect: E, delivery: Delivery) -> Any:
        return self.function(effect, delivery)

"""Effects: what a reactor asks for, as values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, TypeVar

from factos_django.core.canonical_json import UnstorableData
from factos_django.core.codec import Codec
from factos_django.core.decoding import decoded
from factos_django.core.delivery import is_wait
from factos_django.core.errors import EncodeError, InvalidDelivery, UnknownEffectType
from factos_django.core.event_types import checked_dataclass, checked_version
from factos_django.core.metadata import KEY_MAX_LENGTH, is_storable_text
from factos_django.core.naming import checked_name
from factos_django.core.registry import Registry

__all__ = ["EFFECT_TYPES", "Deliver", "EffectType", "effect_type", "effect_type_of"]

T = TypeVar("T")
Effect_co = TypeVar("Effect_co", covariant=True)


class EffectType:
    """One registered effect type: its name, version, class and codec."""

    what = "Effect"

    def __init__(self, name: str, version: int, cls: type[Any]) -> None:
        self.name = checked_name(name)
        self.version = checked_version("Effect type", name, version)
        self.cls = checked_dataclass("Effect type", name, cls)

    @cached_property
    def codec(self) -> Codec:
        """The codec of the class; made at first use."""
        return Codec(self.cls)

    def encode(self, effect: Any) -> bytes:
        """Return the canonical JSON of ``effect``; raise EncodeError naming the effect type."""
        try:
            return self.codec.encode(effect)
        except UnstorableData as error:
            raise EncodeError(type=self.name, reason=str(error)) from error

    def decode(self, version: int, text: str, *, position: int | None = None) -> Any:
        """Return the effect that ``text`` holds, brought up by upcasters from the version that was stored.

        ``position``, that of its fact, is for the error.

        Raises:
            DecodeError: The text is no such effect, or newer code wrote it.
        """
        return decoded(self, version, text, position=position)


#: Every effect type that this process has declared.
EFFECT_TYPES: Registry[EffectType] = Registry("Effect type")


def effect_type(name: str, *, version: int = 1) -> Callable[[type[T]], type[T]]:
    """Register a frozen dataclass as an effect type, stored under ``name`` and ``version``."""

    def register(cls: type[T]) -> type[T]:
        EFFECT_TYPES.register(EffectType(name, version, cls))
        return cls

    return register


def effect_type_of(effect: object) -> EffectType:
    """Return the registered type of ``effect``; raise UnknownEffectType."""
    found = EFFECT_TYPES.of(type(effect))
    if found is None:
        raise UnknownEffectType(cls=f"{type(effect).__module__}.{type(effect).__qualname__}")
    return found


@dataclass(frozen=True, slots=True)
class Deliver(Generic[Effect_co]):
    """An effect with wishes about its delivery.

    Attributes:
        effect: The effect itself.
        key: Tells it from other effects of its name for the same fact (default: its ordinal).
        ordering_key: Effects with the same one wait behind each other.
        delay: Seconds to wait before the first attempt, from 0 to a hundred years.
    """

    effect: Effect_co
    key: str | None = None
    ordering_key: str | None = None
    delay: float = 0.0

    def __post_init__(self) -> None:
        for key in (self.key, self.ordering_key):
            if key is not None and not _is_key(key):
                raise InvalidDelivery(reason=f"a key is 1 to {KEY_MAX_LENGTH} characters without NUL")
        if not is_wait(self.delay):
            raise InvalidDelivery(reason="a delay is a number of seconds, from 0 to a hundred years")


def _is_key(key: object) -> bool:
    return isinstance(key, str) and 1 <= len(key) <= KEY_MAX_LENGTH and is_storable_text(key)

"""From a fact to the effects that a reactor asks for, as they will be stored. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import Error as DatabaseError

from factos_django.conf import conf
from factos_django.core.effect import Deliver, effect_type_of
from factos_django.core.errors import EffectKeyTaken, EncodeError, ReactorFailed, StoreError
from factos_django.core.event import Recorded
from factos_django.workers.error_text import error_in_words

__all__ = ["Wanted", "wanted_for"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """One effect that is asked for.

    ``event_id``, ``reactor``, ``name`` and ``key`` tell it from all others. ``key`` is the reactor's, else
    the ordinal among the effects of that name which it returned for this fact: to return those of another
    name before it, or more of its own behind it, changes no key.
    """

    event_id: UUID
    reactor: str
    name: str
    key: str
    position: int
    version: int
    data: str
    ordering_key: str | None
    delay: float


def wanted_for(
    reactor: str, react: Callable[[Recorded[Any]], Sequence[Any]], recorded: Iterable[Recorded[Any]]
) -> list[Wanted]:
    """Return what ``reactor`` asks for, in the order of facts.

    Raises:
        ReactorFailed: It raised an error, or returned what is no effect or cannot be stored. (An error of the
            database is raised as it is.)
        EffectKeyTaken: Two effects of one name, for one fact, are under one key.
    """
    return [wanted for each in recorded for wanted in _wanted_for_one(reactor, react, each)]


def _wanted_for_one(
    reactor: str, react: Callable[[Recorded[Any]], Iterable[Any]], recorded: Recorded[Any]
) -> list[Wanted]:
    try:
        return list(_wanted(reactor, recorded, react(recorded) or ()))
    except (DatabaseError, StoreError):
        raise  # the transaction is broken off: whoever owns it is to know that, and may run it again
    except EffectKeyTaken:
        raise  # it names the reactor
    except Exception as error:
        raise ReactorFailed(name=reactor, type=recorded.type, reason=error_in_words(error)) from error


def _wanted(reactor: str, recorded: Recorded[Any], effects: Iterable[Any]) -> Iterable[Wanted]:
    ordinals: Counter[str] = Counter()
    taken: set[tuple[str, str]] = set()
    for each in effects:
        deliver = each if isinstance(each, Deliver) else Deliver(each)
        kind = effect_type_of(deliver.effect)
        key = deliver.key if deliver.key is not None else str(ordinals[kind.name])
        ordinals[kind.name] += 1
        if (kind.name, key) in taken:
            raise EffectKeyTaken(reactor=reactor, effect=kind.name, key=key)
        taken.add((kind.name, key))
        yield Wanted(
            event_id=recorded.id,
            reactor=reactor,
            name=kind.name,
            key=key,
            position=recorded.position,
            version=kind.version,
            data=_limited(kind.name, kind.encode(deliver.effect)),
            ordering_key=deliver.ordering_key,
            delay=float(deliver.delay),
        )


def _limited(name: str, text: bytes) -> str:
    if len(text) > conf.MAX_EVENT_BYTES:
        reason = f"its JSON has {len(text)} bytes; FACTOS_MAX_EVENT_BYTES is {conf.MAX_EVENT_BYTES}"
        raise EncodeError(type=name, reason=reason)
    return text.decode()

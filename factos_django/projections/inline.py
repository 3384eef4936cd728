"""Inline projections: rows that commit with the facts.

Their rows were locked before positions were drawn, so they fold in the order of positions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, Protocol

from django.db import transaction

from factos_django.core.event import Recorded
from factos_django.projections.failures import Failure, is_transient
from factos_django.projections.feed import Feed
from factos_django.projections.notices import tell_stopped
from factos_django.projections.parking import park
from factos_django.projections.states import Declared, is_stopped, stop

__all__ = ["apply"]


class Inline(Declared, Protocol):
    """What is needed of a projection here."""

    @property
    def feed(self) -> Feed: ...
    @property
    def on_error(self) -> Literal["stop", "park"]: ...


def apply(projection: Inline, recorded: Sequence[Recorded[Any]], using: str) -> None:
    """Fold ``recorded``, the facts of one append.

    An event that cannot be folded stops the projection, or is parked: it is recorded all the same. A
    stopped one folds nothing more, until it is rebuilt.
    """
    if is_stopped(projection.name, using):
        return
    if _fold(projection, recorded, using) is None:
        return
    for each in recorded:  # to find the event, and to keep those before it
        error = _fold(projection, [each], using)
        if error is None:
            continue
        failure = Failure.of(error, each)
        if projection.on_error == "stop":
            stop(projection, failure, using)
            tell_stopped(projection.name, failure, using)
            return
        park(projection.name, failure, using)


def _fold(projection: Inline, recorded: Sequence[Recorded[Any]], using: str) -> Exception | None:
    """Fold all of ``recorded``, or nothing; return the error of an event."""
    try:
        with transaction.atomic(using=using):
            projection.feed.write(projection.feed.fold(recorded, using), using)
    except Exception as error:
        if is_transient(error, using):
            raise
        return error
    return None

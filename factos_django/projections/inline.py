"""Inline projections: rows that commit with the facts.

Their rows were locked before positions were drawn, so they fold in the order of positions.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal, Protocol

from django.db import DatabaseError, Error, transaction

from factos_django.core.errors import PositionNotDrawn, RowNotLocked
from factos_django.core.event import Recorded
from factos_django.projections.absence import absent_tables
from factos_django.projections.failures import Failure, is_transient
from factos_django.projections.feed import Feed
from factos_django.projections.notices import tell_stopped
from factos_django.projections.parking import park
from factos_django.projections.states import Declared, set_missed, stop, version_folded_inline

__all__ = ["apply", "lock_name", "locks"]


class Inline(Declared, Protocol):
    """What is needed of a projection here."""

    @property
    def feed(self) -> Feed: ...
    @property
    def on_error(self) -> Literal["stop", "park"]: ...


def locks(projection: Inline, foreseen: Recorded[Any]) -> list[str]:
    """Return the names of the rows to lock for a fact that is about to be recorded.

    None for one whose keys cannot be told: it fails again when it is folded, and writes no row. But keys
    that ask for the position are wrong for every fact, and the append is told so.
    """
    try:
        return list(_names(projection, foreseen))
    except (PositionNotDrawn, Error):
        raise
    except Exception:
        return []


def lock_name(projection: Declared, row: str) -> str:
    """Return the name under which an append locks ``row``; a handler has one lock, for the empty row."""
    return f"{projection.name} {row}"


def apply(projection: Inline, recorded: Sequence[Recorded[Any]], using: str, locked: frozenset[str]) -> None:
    """Fold ``recorded``, the facts of one append, into rows whose names are ``locked``.

    An event that cannot be folded stops the projection, or is parked: it is recorded all the same. A
    stopped one folds nothing more, until it is rebuilt; nor does one whose rows a follower has written. One
    whose tables are still to be made by a later migration than the one that appends misses the facts, and
    needs a rebuild; so does one whose rows are of a newer version than this process knows.
    """
    if (version := version_folded_inline(projection, using)) is None:
        return
    if version > projection.version:
        set_missed(projection, using)
        return
    if (failed := _fold(projection, recorded, using, locked)) is None:
        return
    if isinstance(failed, DatabaseError) and absent_tables(projection.feed.models, using):
        set_missed(projection, using)
        return
    for each in recorded:  # to find the event, and to keep those before it
        error = _fold(projection, [each], using, locked)
        if error is None:
            continue
        failure = Failure.of(error, each)
        if projection.on_error == "stop":
            if stop(projection, failure, using):
                tell_stopped(projection.name, failure, using)
            return
        park(projection.name, failure, using)


def _fold(
    projection: Inline, recorded: Sequence[Recorded[Any]], using: str, locked: frozenset[str]
) -> Exception | None:
    """Fold all of ``recorded``, or nothing; return the error of an event."""
    try:
        with transaction.atomic(using=using):
            _check_locked(projection, recorded, locked)
            projection.feed.write(projection.feed.fold(recorded, using), using)
    except Exception as error:
        if is_transient(error, using):
            raise
        return error
    return None


def _check_locked(projection: Inline, recorded: Iterable[Recorded[Any]], locked: frozenset[str]) -> None:
    """Raise RowNotLocked where keys are told otherwise than before: no lock keeps others from that row."""
    for each in recorded:
        if not locked.issuperset(_names(projection, each)):
            raise RowNotLocked(name=projection.name, position=each.position)


def _names(projection: Inline, recorded: Recorded[Any]) -> Iterable[str]:
    return (lock_name(projection, row) for row in projection.feed.row_names(recorded))

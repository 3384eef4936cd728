"""Reacting again: a reactor looks at facts that are recorded long since, because somebody asks for it.

A reactor that is new begins with the facts after it, and a rebuild reacts to nothing. This is the only way by
which an old fact calls for effects. What was asked for once is not asked for again, unless it was pruned.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

from factos_django.conf import conf
from factos_django.core.errors import FactosError, InvalidBatchSize, ReactionFailed
from factos_django.core.event import Recorded
from factos_django.core.position import checked_position
from factos_django.effects.declaration import DeclaredReactor, reactor_named
from factos_django.effects.outbox.asking import ask_for_missing, count_missing
from factos_django.effects.reacting import Wanted
from factos_django.store.database import database_for_writing
from factos_django.store.heads import head
from factos_django.store.matching import Slice
from factos_django.store.narrowing import narrowest_first
from factos_django.store.retries import retried
from factos_django.store.rows import Row, recorded_of, select_matching
from factos_django.store.transactions import unit_of_work

__all__ = ["Progress", "Reacted", "react_again"]

#: Gets what was done so far.
Progress: TypeAlias = "Callable[[Reacted], None]"


@dataclass(frozen=True, slots=True)
class Reacted:
    """What a reactor asked for.

    Attributes:
        position: Up to which position it has looked.
        upto: Up to which it is to look: never above the stable head.
        facts: How many facts of its query there were.
        effects: How many effects it asked for.
        new: How many of these had not been asked for before: those that are written.
    """

    position: int
    upto: int
    facts: int = 0
    effects: int = 0
    new: int = 0


def react_again(
    name: str,
    *,
    first: int = 1,
    last: int | None = None,
    dry_run: bool = False,
    batch_size: int | None = None,
    progress: Progress | None = None,
    using: str | None = None,
) -> Reacted:
    """Let the reactor ``name`` look at old facts, and write the effects that it had not asked for; count.

    Any number of times, and beside appends: it writes each effect once. Relays publish them. Where no
    transaction is open, each batch has one of its own, so what was written before an error stays.

    Args:
        name: That of the reactor.
        first: The position of the first fact, itself included.
        last: That of the last, itself included; None for all up to the stable head, which it never passes.
        dry_run: Only count.
        batch_size: How many facts are looked at in one transaction (default: FACTOS_FOLLOW_BATCH).
        progress: Told after each batch how far it is.
        using: The alias of the database.

    Raises:
        UnknownReactor: No reactor has this name.
        ReactionFailed: It, or what it returned, cannot be used for a fact.
        DecodeError: History and code disagree about a fact.
        InvalidPosition: ``first`` or ``last`` is no position.
        InvalidBatchSize: ``batch_size`` is no number of facts.
    """
    alias, reactor = database_for_writing(using), reactor_named(name)
    size = _checked_size(conf.FOLLOW_BATCH if batch_size is None else batch_size)
    after = max(checked_position(first), 1) - 1
    upto = head(alias) if last is None else min(checked_position(last), head(alias))
    write = partial(count_missing if dry_run else ask_for_missing, using=alias)
    done = Reacted(after, max(after, upto))
    for rows, position in _pages(reactor, done, size, alias):
        effects, new = _react(reactor, rows, write, alias)
        done = Reacted(position, done.upto, done.facts + len(rows), done.effects + effects, done.new + new)
        if progress is not None:
            progress(done)
    return done


def _pages(
    reactor: DeclaredReactor, place: Reacted, size: int, using: str
) -> Iterator[tuple[Sequence[Row], int]]:
    """Yield rows that match, and the position up to which there are no others."""
    query, after = narrowest_first(reactor.query, using), place.position
    while after < place.upto:
        rows = select_matching(query, Slice(after=after, upto=place.upto, limit=size), using)
        after = rows[-1][0] if len(rows) == size else place.upto
        yield rows, after


def _react(
    reactor: DeclaredReactor, rows: Sequence[Row], write: Callable[[Sequence[Wanted]], int], using: str
) -> tuple[int, int]:
    """Return how many effects it asks for, and how many of them are new."""
    wanted = [each for recorded in recorded_of(rows, using) for each in _wanted(reactor, recorded)]

    def once() -> int:
        with unit_of_work(using):
            return write(wanted)

    return len(wanted), retried(once, using=using)


def _wanted(reactor: DeclaredReactor, recorded: Recorded[Any]) -> list[Wanted]:
    try:
        return reactor.wanted([recorded])
    except FactosError as error:
        cause = error.__cause__
        reason = str(error) if cause is None else f"{type(cause).__name__}: {cause}"
        raise ReactionFailed(name=reactor.name, position=recorded.position, reason=reason) from error


def _checked_size(size: object) -> int:
    if isinstance(size, bool) or not isinstance(size, int) or size < 1:
        raise InvalidBatchSize(size=size)
    return size

"""Context soundness: facts outside a command's query must not change its decision.

::

    assert_sound_context(
        given=[ConferenceOpened("gleamconf", 1), TicketSold("gleamconf", "ada")],
        when=[BuyTicket("gleamconf", "renata")],
        decider=ticket_sales,
        query=sale_context,
    )

``dispatch`` folds and guards what the query matches, and nothing else. So where a decision that also
folds the facts left out comes out otherwise, the query is too narrow: it guards too little.
"""

from __future__ import annotations

import copy
import inspect
import sys
import types
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, Union, get_args, get_origin

from factos_django.core.decider import Decider
from factos_django.core.domain_error import DomainError
from factos_django.core.event import Recorded
from factos_django.core.explained import fields_of
from factos_django.core.query import Query
from factos_django.testing.given import given as given_facts

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

__all__ = ["assert_sound_context", "smallest"]

Command = TypeVar("Command")
T = TypeVar("T")
History: TypeAlias = "tuple[Recorded[Any], ...]"


def assert_sound_context(
    *,
    given: Iterable[Any] | SearchStrategy[Any],
    when: Iterable[Command] | SearchStrategy[Any],
    decider: Decider[Command, Any, Any],
    query: Query | Callable[[Command], Query],
    wider: Query | Callable[[Command], Query] | None = None,
) -> None:
    """Assert that no fact left out by ``query`` changes what is decided.

    Each command is decided from the facts that the query matches, and again with facts in reach that
    it leaves out: one at a time, all of them at every moment of the history, and before and after the
    others. It tries the facts that it is given and no others, and it does not tell whether the decision
    is right.

    Args:
        given: Facts in their order (bare events, or ``Proposed``), or a Hypothesis strategy of such lists.
        when: Commands, or a Hypothesis strategy of lists of them.
        decider: The decider under test. Facts of a class that the annotation of its ``evolve`` does not
            take are never folded in addition.
        query: What it is dispatched with.
        wider: The facts in reach, which may concern the command. By default those that carry all the
            tags of one of the query's items, of whatever type: an ``evolve`` may rely on the query to
            tell one subject from another, as the demo's does. ``Query.all()`` where it tells them apart
            itself.

    Raises:
        AssertionError: The decision changed, with the fewest facts found that change it; or no given
            fact was in reach of any command, so that nothing was tried.
    """
    reached: list[bool] = []

    def check(facts: Iterable[Any], commands: Iterable[Command]) -> None:
        history = tuple(given_facts(*facts).log.read(Query.all()))
        reached.extend(_checked(_case(command, decider, query, wider), history) for command in commands)

    _for_all(check, given, when)
    if not any(reached):
        raise AssertionError("nothing was tried: no given fact is in reach of the query of any command")


def smallest(
    items: Sequence[T], fails: Callable[[tuple[T, ...]], bool], tries: int = sys.maxsize
) -> tuple[T, ...]:
    """Return what is left of ``items`` when none can be dropped and it still ``fails``.

    Greedy: halves go first, single items last. It is small, and need not be the smallest there is.
    After ``tries`` calls of ``fails`` it returns what it has.
    """
    kept, size = tuple(items), max(1, len(items) // 2)
    start, dropped = 0, False
    while start < len(kept) and tries > 0:
        fewer, tries = kept[:start] + kept[start + size :], tries - 1
        if fails(fewer):
            kept, dropped = fewer, True
        else:
            start += size
        if start >= len(kept) and (size > 1 or dropped):
            start, size, dropped = 0, max(1, size // 2), False
    return kept


def _for_all(check: Callable[[Any, Any], None], facts: Any, commands: Any) -> None:
    """Call ``check`` with the lists, or with what Hypothesis draws; only who draws has it imported."""
    strategies = sys.modules.get("hypothesis.strategies")
    drawn = [strategies is not None and isinstance(x, strategies.SearchStrategy) for x in (facts, commands)]
    if strategies is None or not any(drawn):
        return check(facts, tuple(commands))
    lists = [
        x if draw else strategies.just(tuple(x)) for x, draw in zip((facts, commands), drawn, strict=True)
    ]
    sys.modules["hypothesis"].given(*lists)(lambda given, when: check(given, when))()
    return None


@dataclass(frozen=True, slots=True)
class _Decision:
    value: Any
    said: str = field(compare=False)


@dataclass(frozen=True, slots=True)
class _Case:
    """One command, and which facts its decision sees and could see."""

    command: Any
    decider: Decider[Any, Any, Any]
    query: Query
    reaches: Callable[[Recorded[Any]], bool]

    def outside(self, history: History) -> History:
        return tuple(each for each in history if self.reaches(each) and not self.query.matches(each))

    def seen(self, history: History) -> History:
        return tuple(each for each in history if self.query.matches(each))

    def narrow(self, history: History) -> _Decision:
        """Decide as dispatch does."""
        state = reduce(
            self.decider.evolve,
            (each.event for each in self.seen(history)),
            copy.deepcopy(self.decider.initial),
        )
        try:
            events = tuple(self.decider.decide(state, self.command))
        except DomainError as error:
            return _Decision((type(error), fields_of(error)), repr(error))
        return _Decision(events, repr(list(events)))

    def wide(self, history: History) -> _Decision:
        """Decide from the facts left out, too."""
        everything = _Case(self.command, self.decider, Query.all(), self.reaches)
        try:
            return everything.narrow(_only(history, (*self.seen(history), *self.outside(history))))
        except Exception as error:  # a crash is a change like any other: the query kept it away
            return _Decision(type(error), repr(error))

    def changes(self, history: History) -> bool:
        return self.narrow(history) != self.wide(history)


def _case(command: Any, decider: Decider[Any, Any, Any], query: Any, wider: Any) -> _Case:
    asked = query(command) if callable(query) else query
    wide = wider(command) if callable(wider) else wider
    classes = _classes_of(decider.evolve)

    def reaches(recorded: Recorded[Any]) -> bool:
        shares = wide.matches(recorded) if wide is not None else _shares_subject(asked, recorded)
        return asked.matches(recorded) or (shares and isinstance(recorded.event, classes))

    return _Case(command, decider, asked, reaches)


def _shares_subject(query: Query, recorded: Recorded[Any]) -> bool:
    return query.everything or any(set(item.tags) <= set(recorded.tags) for item in query.items)


def _classes_of(evolve: Callable[[Any, Any], Any]) -> tuple[type[Any], ...]:
    """Return the classes of events that the annotation of ``evolve`` takes; object if it does not say."""
    try:
        parameters = list(inspect.signature(evolve, eval_str=True).parameters.values())
        return _members(parameters[1].annotation)
    except (NameError, TypeError, ValueError, AttributeError, IndexError):
        return (object,)


def _members(annotation: Any) -> tuple[type[Any], ...]:
    annotation = getattr(annotation, "__value__", annotation)  # a `type` statement
    if get_origin(annotation) in (Union, types.UnionType):
        return tuple(member for each in get_args(annotation) for member in _members(each))
    known = isinstance(annotation, type) and annotation is not inspect.Parameter.empty
    return (annotation,) if known and annotation is not Any else (object,)


def _checked(case: _Case, history: History) -> bool:
    """Fail if facts left out change the decision; tell whether any fact was in reach."""
    for each in _histories(case, history):
        if case.changes(each):
            raise AssertionError(_explained(case, _shrunk(case, each)))
    return any(map(case.reaches, history))


def _histories(case: _Case, history: History) -> Iterator[History]:
    seen, outside = case.seen(history), case.outside(history)
    for each in outside:
        yield _only(history, (*seen, each))
    for end in range(len(history) + 1):
        yield history[:end]
    yield outside + seen
    yield seen + outside


def _shrunk(case: _Case, history: History) -> History:
    """Drop what is not needed: facts left out first, since they are what the failure is about."""
    seen, outside = case.seen(history), case.outside(history)
    outside = smallest(outside, lambda some: case.changes(_only(history, seen + some)))
    seen = smallest(seen, lambda some: case.changes(_only(history, some + outside)))
    return _only(history, seen + outside)


def _only(history: History, facts: History) -> History:
    positions = {each.position for each in facts}
    return tuple(each for each in history if each.position in positions)


def _explained(case: _Case, history: History) -> str:
    outside = case.outside(history)
    facts = "".join(f"\n  {'-' if each in outside else '+'} {each.event!r}" for each in history)
    pronoun = "it changes" if len(outside) == 1 else "together they change"
    return (
        f"the query does not see {' and '.join(map(_described, outside))}, and {pronoun} the decision"
        f" from {case.narrow(history).said} to {case.wide(history).said}\n"
        f"{case.command!r} asks {case.query!r}\n"
        f"of these facts (+ seen, - not seen):{facts}\n"
        "Either the query is too narrow, and must match what is not seen. Or evolve folds facts that do not"
        " concern the command, and must pass them over; if it relies on the query for that, say by wider="
        " which facts concern the command."
    )


def _described(recorded: Recorded[Any]) -> str:
    return f"{recorded.event!r} with tags {list(recorded.tags)!r}"

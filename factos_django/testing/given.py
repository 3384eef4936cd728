"""given/when/then for deciders, views and reactors, through the query, with no database.

::

    given(ConferenceOpened("gleamconf", 1), TicketSold("gleamconf", "ada")).when(
        BuyTicket("gleamconf", "renata"), decider=ticket_sales, query=sale_context
    ).then_raises(SoldOut(capacity=1))

The facts get their tags and positions, and only those that the query matches are folded, as in the
store. So a context that is too small fails its unit test, and the failure says what it did not see.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from factos_django.core.decider import Decider, decide_context
from factos_django.core.domain_error import DomainError
from factos_django.core.effect import Deliver
from factos_django.core.event import Proposed, Recorded
from factos_django.core.explained import fields_of
from factos_django.core.query import Query
from factos_django.core.satisfiability import unsatisfiable_items
from factos_django.core.view import View
from factos_django.store.prepared import prepare
from factos_django.testing.in_memory_log import InMemoryLog

__all__ = ["Decision", "Given", "Projection", "Reaction", "given"]


def given(*facts: Any) -> Given:
    """Begin with ``facts`` recorded, in this order: bare events, or ``Proposed`` with more tags."""
    log = InMemoryLog()
    return Given(tuple(recorded for fact in facts for recorded in log.append([fact])), log)


@dataclass(frozen=True, slots=True)
class Given:
    """Facts that happened. What comes next is one of ``when``, ``project`` and ``react``."""

    facts: tuple[Recorded[Any], ...]
    log: InMemoryLog

    def when(
        self, command: Any, *, decider: Decider[Any, Any, Any], query: Query | Callable[[Any], Query]
    ) -> Decision:
        """Decide ``command`` from those facts that ``query`` matches.

        Raises:
            AssertionError: ``evolve`` changed its argument, or no registered type and no given fact
                can match an item of the query.
        """
        asked = query(command) if callable(query) else query
        self._refuse_unsatisfiable(asked)
        _refuse_impure(decider.evolve, decider.initial, [each.event for each in self.log.read(asked)])
        context = self.log.read_context(asked, decider)
        unseen = tuple(recorded for recorded in self.facts if not asked.matches(recorded))
        try:
            decided = decide_context(context, command, decider)
        except DomainError as error:
            return Decision((), error, unseen)
        prepare(decided, {}) if decided else None  # what cannot be recorded was not decided well
        return Decision(tuple(_bare(event) for event in decided), None, unseen)

    def project(self, view: View[Any, Any]) -> Projection:
        """Fold the facts, as Recorded, which is what the view of a projection is given."""
        _refuse_impure(view.evolve, view.initial, self.facts)
        state = view.initial
        for recorded in self.facts:
            state = view.evolve(state, recorded)
        return Projection(state)

    def react(self, reactor: Callable[[Recorded[Any]], Iterable[Any]]) -> Reaction:
        """Collect the effects of each fact, in order."""
        return Reaction(tuple(effect for recorded in self.facts for effect in reactor(recorded)))

    def _refuse_unsatisfiable(self, query: Query) -> None:
        for item in unsatisfiable_items(query):
            if not any(item.matches(recorded) for recorded in self.facts):
                raise AssertionError(
                    f"{item!r} guards nothing: no event of these types derives these tags. Is one misspelt?"
                )


@dataclass(frozen=True, slots=True)
class Decision:
    """What came of the command: events, or the error that the decider raised."""

    events: tuple[Any, ...]
    error: DomainError | None
    unseen: tuple[Recorded[Any], ...]

    def then(self, *expected: Any) -> None:
        """Assert that exactly these events were decided, in this order."""
        self._refuse_error()
        if self.events != expected:
            self._fail(f"expected {list(expected)!r}, but it decided {list(self.events)!r}")

    def then_nothing(self) -> None:
        """Assert that there was nothing to do."""
        self.then()

    def then_raises(self, expected: DomainError | type[DomainError]) -> None:
        """Assert that the decider raised this error: its class, and its fields if an instance is given."""
        if self.error is None:
            self._fail(f"expected {expected!r}, but it decided {list(self.events)!r}")
        elif isinstance(expected, type):
            if type(self.error) is not expected:
                self._fail(f"expected {expected.__name__}, but it raised {self.error!r}")
        elif (type(self.error), fields_of(self.error)) != (type(expected), fields_of(expected)):
            self._fail(f"expected {expected!r}, but it raised {self.error!r}")

    def _refuse_error(self) -> None:
        if self.error is not None:
            self._fail(f"expected events, but it raised {self.error!r}")

    def _fail(self, what: str) -> None:
        unseen = "".join(f"\n  {each.event!r} with tags {list(each.tags)!r}" for each in self.unseen)
        seen = (
            f"\nThe query did not see these given facts:{unseen}" if unseen else "\nThe query saw every fact."
        )
        raise AssertionError(what + seen) from self.error


@dataclass(frozen=True, slots=True)
class Projection:
    """The state that a view folded."""

    state: Any

    def then(self, expected: Any) -> None:
        """Assert that this is the state."""
        if self.state != expected:
            raise AssertionError(f"expected {expected!r}, but the view folded {self.state!r}")


@dataclass(frozen=True, slots=True)
class Reaction:
    """The effects that a reactor asked for."""

    effects: tuple[Any, ...]

    def then(self, *expected: Any) -> None:
        """Assert that exactly these effects were asked for; a bare one matches it under any delivery."""
        if len(self.effects) != len(expected) or not all(map(_same_effect, self.effects, expected)):
            raise AssertionError(f"expected {list(expected)!r}, but it asked for {list(self.effects)!r}")


def _same_effect(effect: Any, expected: Any) -> bool:
    if isinstance(effect, Deliver) and not isinstance(expected, Deliver):
        return bool(effect.effect == expected)
    return bool(effect == expected)


def _bare(event: Any) -> Any:
    return event.event if isinstance(event, Proposed) else event


def _refuse_impure(evolve: Callable[[Any, Any], Any], initial: Any, events: Sequence[Any]) -> None:
    """Fold each fact twice: an evolve that changes its argument, or varies, is no fold.

    States that compare by identity tell nothing, and are let pass.
    """
    state = copy.deepcopy(initial)
    for event in events:
        before = copy.deepcopy(state)
        comparable = state == before
        following = evolve(state, event)
        if comparable and state != before:
            raise AssertionError(f"evolve changed its argument {before!r} into {state!r}, folding {event!r}")
        again = evolve(before, event)
        if following == copy.deepcopy(following) and following != again:
            raise AssertionError(f"evolve folded {event!r} into {following!r}, and then into {again!r}")
        state = following

"""A deterministic simulation of a domain: a seed, random commands, and what must always hold.

::

    def test_no_conference_sells_more_than_it_has():
        simulate(
            seed=1,
            steps=200,
            commands=[
                CommandKind(openings, decider=conference_openings, query=opening_context),
                CommandKind(purchases, decider=ticket_sales, query=sale_context, weight=5),
            ],
            invariants=[never_oversold],
        )

The first run that fails is made short and printed as a test.
"""

from __future__ import annotations

import copy
import dataclasses
import datetime
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from random import Random
from typing import Any, Generic, TypeAlias, TypeVar
from uuid import UUID

from factos_django.core.canonical_json import encode_json
from factos_django.core.decider import Decider
from factos_django.core.domain_error import DomainError
from factos_django.core.errors import FactosError
from factos_django.core.event import Recorded
from factos_django.core.event_types import EVENT_TYPES
from factos_django.core.query import Query
from factos_django.core.view import View, project
from factos_django.testing.in_memory_log import InMemoryLog
from factos_django.testing.soundness import smallest

__all__ = ["CommandKind", "Invariant", "Run", "SimulationFailed", "simulate"]

Command = TypeVar("Command")
State = TypeVar("State")
Facts: TypeAlias = "Sequence[Recorded[Any]]"

#: Commands replayed, at most, to make a failing run shorter.
_SHRINKING = 20_000
_BEGINNING = datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC)


@dataclass(frozen=True, slots=True)
class CommandKind(Generic[Command]):
    """Commands of one kind, and how they are decided.

    Attributes:
        make: Returns a random command, drawn from the Random that it is given and from nothing else;
            or the commands to choose from.
        decider: What decides them.
        query: The context of the decision, as given to ``dispatch``.
        weight: How often this kind is drawn, beside the others.
    """

    make: Callable[[Random], Command] | Sequence[Command]
    decider: Decider[Command, Any, Any]
    query: Query | Callable[[Command], Query]
    weight: float = 1

    def draw(self, random: Random) -> Command:
        """Return a command of this kind."""
        return self.make(random) if callable(self.make) else random.choice(self.make)


@dataclass(frozen=True, slots=True)
class Invariant(Generic[State]):
    """What must hold of the state that a view folds from all facts.

    ``check`` returns None where it holds, and returns a sentence or raises AssertionError where it
    does not. The view folds ``Recorded``, as that of a projection.
    """

    check: Callable[[State], str | None]
    view: View[State, Any]


@dataclass(frozen=True, slots=True)
class Run:
    """What happened in a simulation in which every invariant held.

    Attributes:
        commands: The commands, in the order in which they were dispatched.
        facts: What the log holds in the end.
        refusals: How many commands were refused, by the code of the DomainError.
    """

    commands: tuple[Any, ...]
    facts: tuple[Recorded[Any], ...]
    refusals: Mapping[str, int]


class SimulationFailed(AssertionError):
    """A run broke an invariant, crashed, or recorded an event that its codec changes.

    Attributes:
        commands: The shortest run found that still fails in the same way.
        test: That run as the source of a test.
    """

    def __init__(self, what: str, commands: tuple[Any, ...], test: str) -> None:
        super().__init__(f"{what}\n\n{test}")
        self.commands = commands
        self.test = test


def simulate(
    seed: int,
    *,
    commands: Sequence[CommandKind[Any]],
    invariants: Sequence[Callable[[Facts], str | None] | Invariant[Any]],
    steps: int = 100,
    given: Iterable[Any] = (),
    stored: Iterable[tuple[str, int, Mapping[str, Any]]] = (),
) -> Run:
    """Dispatch random commands on a log in memory, and check ``invariants`` after each of them.

    The same seed gives the same run, if what it calls is pure; ids and times of the facts that
    invariants see are made from their positions. A DomainError is a normal outcome. Every event is read
    back through its codec and compared. Commands come one after the other: it shows what deciders and
    queries allow, and nothing about concurrency or a database.

    Args:
        seed: Where the run begins. Print it, vary it, keep those that failed.
        commands: The kinds of commands, each with its decider and query.
        invariants: Functions of all recorded facts, or ``Invariant`` on a view. They return None where
            they hold, and return a sentence or raise AssertionError where they do not.
        steps: The number of commands.
        given: Facts that are recorded before the first command.
        stored: Samples of payloads as ``(type, version, data)``, such as older versions in production:
            each must come through its upcasters to an event that its codec keeps.

    Raises:
        SimulationFailed: With the shortest failing run found, printed as a test.
        AssertionError: A stored sample cannot be read.
    """
    for sample in stored:
        _refuse_unreadable(*sample)
    world = _World(tuple(given), tuple(invariants))
    orders = tuple(_drawn(Random(seed), commands, steps))
    run = world.play(orders)
    if isinstance(run, Run):
        return run
    shortest, failure = _shortest(world, orders[: run.step], run)
    what = f"seed {seed}, command {run.step} of {steps}: {run.what}"
    raise SimulationFailed(
        f"{what}\nshortened to {failure.step}: {failure.what}",
        tuple(each.command for each in shortest),
        _printed(world, shortest, failure),
    ) from run.cause


@dataclass(frozen=True, slots=True)
class _Order:
    """A command on its way to its decider."""

    command: Any
    kind: CommandKind[Any]


@dataclass(frozen=True, slots=True)
class _Failure:
    """How a run failed: after how many commands, in what way, and which of them had been refused."""

    step: int
    what: str
    way: tuple[Any, ...]
    cause: BaseException | None = None
    invariant: Callable[[Facts], str | None] | Invariant[Any] | None = None
    refused: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class _World:
    """What is the same in every run: where it begins, and what must hold."""

    given: tuple[Any, ...]
    invariants: tuple[Callable[[Facts], str | None] | Invariant[Any], ...]

    def play(self, orders: Sequence[_Order]) -> Run | _Failure:
        """Dispatch ``orders`` on a new log, up to the first failure."""
        log, facts, refusals = InMemoryLog(), list[Recorded[Any]](), dict[int, str]()
        if self.given:
            log.append(self.given)
            facts += map(_timeless, log.read(Query.all()))
        failure = self._broken(0, facts)
        for step, order in enumerate(orders, start=1):
            failure = failure or _dispatched(log, step, order, facts, refusals) or self._broken(step, facts)
            if failure is not None:
                return replace(failure, refused=frozenset(refusals))
        counted = dict(Counter(refusals.values()))
        return failure or Run(tuple(each.command for each in orders), tuple(facts), counted)

    def _broken(self, step: int, facts: Facts) -> _Failure | None:
        return next(filter(None, (_broken(each, step, tuple(facts)) for each in self.invariants)), None)


def _drawn(random: Random, kinds: Sequence[CommandKind[Any]], steps: int) -> Iterator[_Order]:
    weights = [kind.weight for kind in kinds]
    for _ in range(steps):
        [kind] = random.choices(kinds, weights)
        yield _Order(kind.draw(random), kind)


def _dispatched(
    log: InMemoryLog, step: int, order: _Order, facts: list[Recorded[Any]], refusals: dict[int, str]
) -> _Failure | None:
    before = log.head()
    try:
        done = log.dispatch(order.command, decider=order.kind.decider, query=order.kind.query)
        read = list(log.read(Query.all(), after=before))
    except DomainError as error:
        refusals[step] = error.code
        return None
    except Exception as error:  # whatever it is, the application's code raised it: it is made short, too
        return _Failure(step, f"{order.command!r} raised {error!r}", (type(error), order.kind), error)
    facts += map(_timeless, read)
    return next(filter(None, map(lambda *pair: _changed(step, *pair), done.events, read)), None)


def _timeless(recorded: Recorded[Any]) -> Recorded[Any]:
    moment = _BEGINNING + datetime.timedelta(seconds=recorded.position)
    return replace(recorded, id=UUID(int=recorded.position), recorded_at=moment)


def _changed(step: int, recorded: Recorded[Any], read: Recorded[Any]) -> _Failure | None:
    """Compare an event with what is read, unless its class compares by identity."""
    event = recorded.event
    if event != copy.deepcopy(event) or event == read.event:
        return None
    what = f"{event!r} does not survive its codec: it was read as {read.event!r}"
    return _Failure(step, what, ("codec", recorded.type))


def _broken(invariant: Any, step: int, facts: Facts) -> _Failure | None:
    check = invariant.check if isinstance(invariant, Invariant) else invariant
    try:
        said = check(project(invariant.view, facts) if isinstance(invariant, Invariant) else facts)
    except Exception as error:  # AssertionError by agreement, any other by mistake
        said = str(error) if isinstance(error, AssertionError) and str(error) else repr(error)
        return _Failure(step, f"{_label(check)}: {said}", (invariant, type(error)), error, invariant)
    if said is None:
        return None
    if not isinstance(said, str):
        raise TypeError(f"{_label(check)} returned {said!r}; an invariant returns None or a sentence")
    return _Failure(step, f"{_label(check)}: {said}", (invariant,), None, invariant)


def _label(function: Any) -> str:
    return str(getattr(function, "__name__", function))


def _refuse_unreadable(name: str, version: int, data: Mapping[str, Any]) -> None:
    kind = EVENT_TYPES.named(name)
    if kind is None:
        raise AssertionError(f"a stored sample is of type {name!r}, which no class is registered for")
    try:
        event = kind.decode(version, encode_json(dict(data)))
        kind.tags_of(event)
        kind.encode(event)  # which proves that it can be written and read again
    except FactosError as error:
        raise AssertionError(
            f"a stored sample of {name!r} version {version} cannot be read: {error}"
        ) from error


def _shortest(
    world: _World, orders: tuple[_Order, ...], failure: _Failure
) -> tuple[tuple[_Order, ...], _Failure]:
    """Drop commands while the run still fails in the same way."""
    latest = failure

    def fails(fewer: tuple[_Order, ...]) -> bool:
        nonlocal latest
        run = world.play(fewer)
        same = isinstance(run, _Failure) and run.way == failure.way
        latest = run if isinstance(run, _Failure) and same else latest
        return same

    def accepted(run: tuple[_Order, ...]) -> tuple[_Order, ...]:
        """Drop at one go what was refused, since it recorded nothing."""
        left = tuple(each for n, each in enumerate(run, start=1) if n not in latest.refused)
        return left if fails(left) else run

    orders = accepted(orders)
    shortest = smallest(orders, fails, _SHRINKING // max(1, len(orders)))
    return accepted(shortest[: latest.step]), latest


# The printed test


def _printed(world: _World, orders: Sequence[_Order], failure: _Failure) -> str:
    source = _Source()
    source.of(InMemoryLog)
    lines = ["log = InMemoryLog()"]
    if world.given:
        lines.append(f"log.append({source.of(list(world.given))})")
    lines += [f"log.dispatch({_arguments(source, order)})" for order in orders]
    lines += _last_lines(source, failure, lines.pop() if orders else None)
    name = _identifier(_label(getattr(failure.invariant, "check", failure.invariant or "simulated")))
    body = "".join(f"    {line}\n" for line in lines)
    return f"{source.imports()}\n\n\ndef test_{name}():\n{body}"


def _arguments(source: _Source, order: _Order) -> str:
    command, kind = source.of(order.command), order.kind
    return f"{command}, decider={source.of(kind.decider)}, query={source.of(kind.query)}"


def _last_lines(source: _Source, failure: _Failure, last: str | None) -> list[str]:
    dispatched = [] if last is None else [last]
    if failure.invariant is not None:
        return [*dispatched, f"facts = tuple(log.read({source.of(Query)}.all()))", _asserted(source, failure)]
    if failure.cause is not None:
        return [f"{last}  # raises {type(failure.cause).__name__}"]
    read = f"log.read({source.of(Query)}.all(), after=recorded[0].position - 1)"
    return [
        f"recorded = {last}.events",
        f"assert [each.event for each in {read}] == [each.event for each in recorded]",
    ]


def _asserted(source: _Source, failure: _Failure) -> str:
    if isinstance(failure.invariant, Invariant):
        state = f"{source.of(project)}({source.of(failure.invariant.view)}, facts)"
        return f"assert {source.of(failure.invariant.check)}({state}) is None"
    return f"assert {source.of(failure.invariant)}(facts) is None"


def _identifier(text: str) -> str:
    return "".join(each if each.isalnum() else "_" for each in text).strip("_") or "simulated"


class _Source:
    """Values as Python source, and the imports that it needs.

    Functions, deciders and views are named as their modules name them. What no module names (a local
    function) keeps its own name, and the test must be put where that is known.
    """

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._modules: set[str] = set()

    def imports(self) -> str:
        by_module: dict[str, list[str]] = {}
        for name, module in sorted(self._names.items()):
            by_module.setdefault(module, []).append(name)
        whole = [f"import {module}" for module in sorted(self._modules)]
        parts = [f"from {module} import {', '.join(names)}" for module, names in sorted(by_module.items())]
        return "\n".join([*whole, *parts])

    def of(self, value: Any) -> str:
        """Return an expression for ``value``."""
        if callable(value) or isinstance(value, (Decider, View)):
            return self._named(value) or self._made(value)
        if isinstance(value, Enum):
            return f"{self.of(type(value))}[{value.name!r}]"
        if type(value) in (list, tuple, set, frozenset, dict):
            return self._collection(value)
        return self._made(value)

    def _collection(self, value: Any) -> str:
        if isinstance(value, dict):
            return f"{{{', '.join(f'{self.of(key)}: {self.of(each)}' for key, each in value.items())}}}"
        items = ", ".join(map(self.of, value))
        if isinstance(value, tuple):
            return f"({items},)" if items else "()"
        return f"[{items}]" if isinstance(value, list) else f"{type(value).__name__}([{items}])"

    def _made(self, value: Any) -> str:
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            fields = [each.name for each in dataclasses.fields(value) if each.init]
            given = ", ".join(f"{name}={self.of(getattr(value, name))}" for name in fields)
            return f"{self.of(type(value))}({given})"
        if callable(value):
            return _identifier(_label(value))
        if type(value).__module__ == "datetime":
            self._modules.add("datetime")
        elif type(value).__module__ != "builtins":
            self.of(type(value))
        return repr(value)

    def _named(self, value: Any) -> str | None:
        """Return the name of ``value`` in one of the modules it may come from, and import it."""
        parts = [value, *(getattr(value, each, None) for each in ("decide", "evolve"))]
        for module in dict.fromkeys(getattr(each, "__module__", None) for each in parts):
            for name, held in vars(sys.modules.get(str(module), object)).items():
                if held is value:
                    return name if module == "builtins" else self._imported(_home(value, module), name)
        nested = str(getattr(value, "__qualname__", "<"))
        if "<" in nested or "." not in nested:
            return None
        outer, _, rest = nested.partition(".")
        return f"{self._imported(value.__module__, outer)}.{rest}"

    def _imported(self, module: str, name: str) -> str:
        if self._names.setdefault(name, module) == module:
            return name
        self._modules.add(module)
        return f"{module}.{name}"


def _home(value: Any, module: Any) -> str:
    """Return where users import ``value`` from: what factos_django exports, from its root."""
    for public in ("factos_django", "factos_django.testing"):
        if getattr(sys.modules.get(public), _label(value), None) is value:
            return public
    return str(module)

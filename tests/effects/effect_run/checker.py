"""G6, judged: what the facts called for beside what the sink was told and what the outbox says. Pure.

What had to be delivered is computed by running the reactors again over the log. The outbox is asked only
for those that are dead or were dropped, which a person can see there, and whether it is at rest.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from tests.effects.sink import Told
from tests.history.faults import Fault

__all__ = ["Expected", "History", "Row", "check", "count"]

#: States in which an effect is given up by right: a person can see it.
_GIVEN_UP = ("dead", "dropped")


@dataclass(frozen=True)
class Expected:
    """An effect that a fact calls for."""

    key: str
    name: str
    parcel: str
    position: int
    ordering_key: str | None = None


@dataclass(frozen=True)
class Row:
    """What the outbox says of an effect in the end."""

    key: str
    state: str
    attempts: int


@dataclass(frozen=True)
class History:
    """A run, when all is over.

    Attributes:
        expected: What the facts of the log call for, in their order.
        told: What the sink was told, in the order in which it came.
        rows: The outbox.
        fates: What became of the transaction that sent a parcel, as its writer noted: ``committed`` or
            ``rolled back``. Of one that was killed in between nothing is known.
        sent: The parcels that are in the log.
        most_attempts: How many attempts a handler is given.
        rebuilt: Rows and lines of the sink that appeared while all was at rest and projections were rebuilt.
    """

    expected: Sequence[Expected]
    told: Sequence[Told]
    rows: Sequence[Row]
    fates: Mapping[str, str] = field(default_factory=dict)
    sent: frozenset[str] = frozenset()
    most_attempts: int = 4
    rebuilt: int = 0

    @cached_property
    def known(self) -> dict[str, Expected]:
        """What was expected, by key."""
        return {each.key: each for each in self.expected}

    @cached_property
    def delivered(self) -> dict[str, int]:
        """When each key was delivered first: its place among all that the sink was told."""
        first: dict[str, int] = {}
        for place, each in enumerate(self.told):
            if each.what == "did":
                first.setdefault(each.key, place)
        return first

    @cached_property
    def given_up(self) -> frozenset[str]:
        """The keys of those that are dead, or were dropped."""
        return frozenset(row.key for row in self.rows if row.state in _GIVEN_UP)


def count(history: History) -> Counter[str]:
    """Return what went through the run."""
    did = [each.key for each in history.told if each.what == "did"]
    return Counter(
        {
            "effects": len(history.expected),
            "delivered": len(history.delivered),
            "duplicates": len(did) - len(set(did)),
            "dead": len(history.given_up),
            "rolled back": sum(fate == "rolled back" for fate in history.fates.values()),
            "ordered": sum(each.ordering_key is not None for each in history.expected),
        }
    )


def check(history: History) -> list[Fault]:
    """Return what is wrong."""
    found: list[Fault] = []
    for judge in (_lost, _phantom, _after_rollback, _inverted, _attempts, _stuck, _unasked, _rebuilt, _facts):
        found += judge(history)
    return found


def _lost(history: History) -> Iterator[Fault]:
    for each in history.expected:
        if each.key not in history.delivered and each.key not in history.given_up:
            yield Fault("G6 lost", f"{each} was never delivered")


def _phantom(history: History) -> Iterator[Fault]:
    for key in {each.key for each in history.told} - history.known.keys():
        told = next(each for each in history.told if each.key == key)
        yield Fault("G6 phantom", f"no fact calls for {told}")
    for each in history.told:
        known = history.known.get(each.key)
        if known and (each.name, each.parcel, each.position) != (known.name, known.parcel, known.position):
            yield Fault("G6 phantom", f"{each} is under the key of {known}")


def _after_rollback(history: History) -> Iterator[Fault]:
    for parcel in {each.parcel for each in history.told}:
        if history.fates.get(parcel) == "rolled back":
            yield Fault("G6 after rollback", f"{parcel} was rolled back, and something was done about it")


def _inverted(history: History) -> Iterator[Fault]:
    """Yield first deliveries that came before one with the same ordering key that was not dead."""
    last: dict[str, Expected] = {}
    for each in sorted(history.expected, key=lambda expected: expected.position):
        if each.ordering_key is None or each.key in history.given_up or each.key not in history.delivered:
            continue
        before = last.get(each.ordering_key)
        if before is not None and history.delivered[each.key] < history.delivered[before.key]:
            yield Fault("G6 order", f"{each} was delivered before {before}")
        last[each.ordering_key] = each


def _attempts(history: History) -> Iterator[Fault]:
    begun = Counter((each.key, each.attempt) for each in history.told if each.what == "began")
    for (key, attempt), times in begun.items():
        if times > 1:
            yield Fault("G6 attempts", f"attempt {attempt} of {key} began {times} times: it was not counted")
        if attempt > history.most_attempts:
            yield Fault("G6 attempts", f"attempt {attempt} of {key} was one too many")
    for row in history.rows:
        if row.attempts > history.most_attempts:
            yield Fault("G6 attempts", f"the outbox counts too many: {row}")


def _stuck(history: History) -> Iterator[Fault]:
    for row in history.rows:
        if row.state not in ("done", *_GIVEN_UP):
            yield Fault("G6 stuck", f"at rest, and not finished: {row}")
        elif row.state == "done" and row.key not in history.delivered:
            yield Fault("G6 lost", f"done, and never delivered: {row}")


def _unasked(history: History) -> Iterator[Fault]:
    for key, times in Counter(row.key for row in history.rows).items():
        if key not in history.known:
            yield Fault("G6 phantom", f"a row that no fact calls for: {key}")
        if times > 1:
            yield Fault("G6 phantom", f"{times} rows for {key}")


def _rebuilt(history: History) -> Iterator[Fault]:
    if history.rebuilt:
        yield Fault("G6 on rebuild", f"{history.rebuilt} rows or deliveries came of a rebuild")


def _facts(history: History) -> Iterator[Fault]:
    for parcel, fate in history.fates.items():
        if (fate == "committed") != (parcel in history.sent) and fate in ("committed", "rolled back"):
            yield Fault("G1", f"{parcel} was {fate}, and is {'' if parcel in history.sent else 'not '}there")

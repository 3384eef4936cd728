"""What a run proves: a run in which nobody met anybody finds nothing wrong, and proves nothing."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import accumulate
from typing import Any

from factos_django.store.backends.copying import COPIED_FROM
from tests.history.checker import could_see
from tests.history.faults import Run
from tests.history.operations import Append, History, Reading, Transaction
from tests.history.outages import lost, resumed
from tests.history.tables import Log, matches
from tests.history.waiting import passing, stalled

__all__ = ["ANY_PATHS", "Evidence", "Wanted", "gather"]

#: For runs that are about something else than the ways into the log.
ANY_PATHS: dict[str, Any] = dict.fromkeys(
    ["alone", "within", "copied", "contexts", "contexts_within", "by_ids", "of_several"], 0
)


@dataclass(frozen=True, slots=True)
class Evidence:
    """Counts of what happened in a run.

    Attributes:
        facts: Rows of the event table.
        decisions: Conditional and dispatched appends that were judged.
        contended: The share of them that found their context moved, or met another transaction that
            had recorded a fact of their context and was open, or ended meanwhile.
        meetings: Pairs of transactions open at the same time, one deciding from what the other records.
        rollbacks: Transactions and savepoints rolled back after positions were drawn.
        repetitions: Appends that were answered by what another had recorded under their key or ids.
        gap_readings: Readings of a follower while a position below what it saw was open.
        readings: Readings of followers that saw something.
        broken: Transactions that the database broke off.
        passing: Appends that passed the held transaction of others whose tags are not theirs.
        stalled: Appends that came back busy while a process was frozen.
        acknowledged: Appends that were acknowledged to processes that were killed.
        outlived: Appends that were acknowledged before the server was killed, and are there.
        cut: Appends that the end of the server cut off before COMMIT.
        unknown: Appends whose outcome nobody knew.
        resumed: Processes that went on after each end of the server.
        lost: Appends that were acknowledged, and lost with the server.
        alone: Appends without a decider, accepted where no transaction was open: one statement on
            PostgreSQL under the guard ``tags``.
        within: Appends, accepted inside the client's transaction.
        copied: Appends, accepted, of so many facts that PostgreSQL copies them.
        contexts: Calls of ``read_context`` where no transaction was open.
        contexts_within: Calls of ``read_context`` inside the client's transaction.
        by_ids: Appends that were answered by what another had recorded with their ids, without a key.
        of_several: Decisions that were judged by an item of several tags.
    """

    facts: int
    decisions: int
    contended: float
    meetings: int
    rollbacks: int
    repetitions: int
    gap_readings: int
    readings: int
    broken: int
    passing: int
    stalled: int
    acknowledged: int
    outlived: int
    cut: int
    unknown: int
    resumed: int
    lost: int
    alone: int
    within: int
    copied: int
    contexts: int
    contexts_within: int
    by_ids: int
    of_several: int

    def __str__(self) -> str:
        return ", ".join(f"{name} {value}" for name, value in asdict(self).items())


_JUDGED = {
    "conditional": ("accepted", "rejected"),
    "dispatched": ("accepted", "nothing", "declined"),
    "blind": (),
}


def gather(history: History, log: Log) -> Evidence:
    """Return what the run proves."""
    run = Run(history, log)
    judged = [each for each in history.appends if each.outcome in _JUDGED[each.form]]
    contended = sum(_is_contended(run, each) for each in judged)
    follows = [each for each in history.readings if each.source == "follow" and each.seen]
    kept, gone = list(_acknowledged(run)), lost(run)
    contexts = [each for each in history.readings if each.source == "context"]
    recorded = [each for each in history.appends if each.outcome == "accepted" and not each.repeats]
    return Evidence(
        facts=len(log.facts),
        decisions=len(judged),
        contended=round(contended / max(1, len(judged)), 3),
        meetings=sum(1 for _ in _meetings(run)),
        rollbacks=sum(1 for _ in _rollbacks(run)),
        repetitions=sum(1 for each in history.appends if _is_repetition(run, each)),
        gap_readings=_gap_readings(run),
        readings=len(follows),
        broken=sum(each.outcome == "broken" for each in history.appends),
        passing=passing(run),
        stalled=stalled(run),
        acknowledged=sum(map(run.is_of_killed, kept)),
        outlived=sum(map(run.outlived, kept)) - len(gone),
        cut=sum(each.outcome == "cut" for each in history.appends),
        unknown=sum(each.outcome == "unknown" or run.fate(each) == "unknown" for each in history.appends),
        resumed=resumed(run),
        lost=len(gone),
        alone=sum(each.alone and each.form != "dispatched" for each in recorded),
        within=sum(not each.alone for each in recorded),
        copied=sum(len(each.facts) >= COPIED_FROM for each in recorded),
        contexts=sum(each.transaction is None for each in contexts),
        contexts_within=sum(each.transaction is not None for each in contexts),
        by_ids=sum(each.key is None for each in history.appends if _is_repetition(run, each)),
        of_several=sum(_names_several(each) for each in judged),
    )


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a run has to prove, or it counts as failed; see Evidence."""

    decisions: int
    contended: tuple[float, float] = (0.15, 0.85)
    meetings: int = 50
    rollbacks: int = 20
    repetitions: int = 5
    readings: int = 20
    gap_readings: int = 0
    passing: int = 0
    stalled: int = 1
    acknowledged: int = 1
    outlived: int = 0
    cut: int = 0
    unknown: int = 0
    resumed: int = 0
    lost: int = 0
    alone: int = 20
    within: int = 20
    copied: int = 2
    contexts: int = 10
    contexts_within: int = 10
    by_ids: int = 1
    of_several: int = 20

    def lacking(self, proved: Evidence) -> list[str]:
        """Return what the run proved too little of."""
        least = {name: value for name, value in asdict(self).items() if name != "contended"}
        low, high = self.contended
        found = [
            f"{name} {getattr(proved, name)}, of {value}"
            for name, value in least.items()
            if getattr(proved, name) < value
        ]
        contended = f"contended {proved.contended}, not in {low} to {high}"
        return found if low <= proved.contended <= high else [*found, contended]


def _names_several(decision: Append) -> bool:
    items = decision.query.get("items", []) if decision.query else []
    return any(len(item["tags"]) > 1 for item in items)


def _is_contended(run: Run, decision: Append) -> bool:
    """Tell whether it was refused, or a transaction that had recorded for its context was in its way."""
    # A decision that gives ids is made again once they are locked.
    if decision.outcome == "rejected" or decision.attempts > 1 + decision.ids:
        return True
    assert decision.query is not None
    return any(
        any(matches(decision.query, fact) for fact in other.facts) for other in _in_the_way(run, decision)
    )


def _in_the_way(run: Run, decision: Append) -> Iterator[Append]:
    """Yield what others had recorded in transactions that were open, or ended, while it waited or decided.

    The wait begins where the transaction does if this was the first thing in it: SQLite waits there.
    """
    mine = run.outermost[decision.name]
    earlier = run.by_transaction[decision.transaction]
    first = mine.name == decision.transaction and earlier[0] is decision
    since = mine.begun if first else decision.invoked
    for other in run.history.appends:
        if other.completed > decision.completed or run.ended(other) < since:
            continue
        if other.outcome == "accepted" and run.outermost[other.name].process != mine.process:
            yield other


def _meetings(run: Run) -> Iterator[tuple[Transaction, Transaction]]:
    outermost = sorted((t for t in run.history.transactions if t.parent is None), key=lambda t: t.begun)
    appends = {each.name: _appends_within(run, each.name) for each in outermost}
    for index, one in enumerate(outermost):
        for other in outermost[index + 1 :]:
            if other.begun >= one.ended:
                break
            if any(could_see(a, b) for a in appends[one.name] for b in appends[other.name]):
                yield one, other


def _appends_within(run: Run, transaction: str) -> list[Append]:
    names = [transaction, *(t.name for t in run.history.transactions if t.parent == transaction)]
    return [append for name in names for append in run.by_transaction.get(name, ())]


def _rollbacks(run: Run) -> Iterator[Transaction]:
    for transaction in run.history.transactions:
        drew = any(append.positions for append in run.by_transaction.get(transaction.name, ()))
        if drew and transaction.outcome == "rolled back":
            yield transaction


def _acknowledged(run: Run) -> Iterator[Append]:
    for append in run.history.appends:
        if append.outcome == "accepted" and run.fate(append) == "committed" and not append.repeats:
            yield append


def _is_repetition(run: Run, append: Append) -> bool:
    answered = append.outcome == "accepted" and run.fate(append) == "committed"
    return answered and append.repeats


def _gap_readings(run: Run) -> int:
    """Count readings during which a position was open below one that had been committed before."""
    known = (fact for fact in run.log.facts if fact.append in run.appends)
    committed = sorted((run.ended(run.appends[fact.append]), fact.position) for fact in known)
    moments = [moment for moment, _ in committed]
    highest = list(accumulate((position for _, position in committed), max))
    drawn = [each for each in run.history.appends if each.positions and not each.repeats]
    found = 0
    for reading in (each for each in run.history.readings if each.source == "follow"):
        before = bisect_left(moments, reading.invoked)
        found += before > 0 and any(_is_open_below(run, each, reading, highest[before - 1]) for each in drawn)
    return found


def _is_open_below(run: Run, append: Append, reading: Reading, position: int) -> bool:
    """Tell whether the append had drawn a lower position and was certainly open during the reading."""
    drawn = append.completed <= reading.invoked and append.positions[0] < position
    return drawn and run.transactions[append.transaction].committing > reading.completed

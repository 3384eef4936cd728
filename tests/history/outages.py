"""What the end of a server leaves of a history: who was cut off, who went on, and what was lost.

A server that does not flush before it answers loses the last of what it acknowledged; it has to be the
last. MariaDB also shows a fact to others a moment before it is flushed and acknowledged.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

from tests.history.faults import Fault, Run
from tests.history.operations import NEVER, Append, History, Outage, Reading
from tests.history.tables import Fact, Log

__all__ = ["check_prefix", "check_reconnections", "lost", "recovered", "resumed", "without_unflushed"]


def check_reconnections(run: Run) -> Iterator[Fault]:
    """G10: after an outage, the connection of a process fails once, and then it goes on."""
    outages = sorted(run.history.outages, key=lambda outage: outage.begun)
    for outage, following in pairwise([*outages, Outage(NEVER, NEVER, NEVER)]):
        processes = Counter(
            run.outermost[append.name].process
            for append in run.history.appends
            if append.outcome == "cut" and outage.ended < append.invoked < append.completed < following.begun
        )
        for process, times in processes.items():
            if times > 1:
                yield Fault("G10", f"process {process} was cut off {times} times after the server was back")


def resumed(run: Run) -> int:
    """Count the processes that were there before an outage, and whose appends were accepted after it."""
    last = max((outage.ended for outage in run.history.outages), default=NEVER)
    first = min((outage.begun for outage in run.history.outages), default=0)
    before = {run.outermost[each.name].process for each in run.history.appends if each.invoked < first}
    after = {
        run.outermost[each.name].process
        for each in run.history.appends
        if each.outcome == "accepted" and each.invoked > last
    }
    return len(before & after)


def recovered(run: Run) -> tuple[float, ...]:
    """Return how long each outage lasted, from its blow to the first append accepted after it (seconds)."""
    accepted = sorted(each.completed for each in run.history.appends if each.outcome == "accepted")
    first = ((outage, bisect_left(accepted, outage.ended)) for outage in run.history.outages)
    return tuple((accepted[at] - outage.dead) / 1e9 for outage, at in first if at < len(accepted))


def lost(run: Run) -> list[Append]:
    """Return the appends that were acknowledged before the server was killed, and are not there."""
    return [
        append
        for append in run.history.appends
        if run.met_outage(append.invoked) and run.fate(append) == "committed" and _is_gone(run, append)
    ]


def _is_gone(run: Run, append: Append) -> bool:
    accepted = append.outcome == "accepted" and not append.repeats
    return accepted and append.name not in run.log.by_append


def check_prefix(run: Run) -> Iterator[Fault]:
    """What a server loses that does not flush is the last of what it acknowledged, in one outage.

    Nothing survives that began to be committed after the first of what was lost had been acknowledged.
    """
    first = min((run.ended(append) for append in lost(run)), default=NEVER)
    for append in (run.appends[name] for name in run.log.by_append if name in run.appends):
        if run.outlived(append) and run.committing(append) > first:
            yield Fault("G9", f"{append.name} is there, and what was acknowledged before it is lost")


def without_unflushed(history: History, log: Log, *, acknowledged: bool) -> History:
    """Return the history without what rests on facts that the server had shown and then lost.

    If it also had ``acknowledged`` some of them, whatever is not there counts as unknown.
    """
    run = Run(history, log)
    gone = [
        each
        for each in history.appends
        if acknowledged and run.met_outage(each.invoked) and _is_gone(run, each)
    ]
    names = {append.name for append in gone}
    transactions = {run.outermost[each.name].name for each in gone if run.fate(each) == "committed"}
    return replace(
        history,
        appends=[
            replace(each, outcome="unknown") if each.name in names else each
            for each in history.appends
            if not (_saw_lost(run, each) or (acknowledged and _is_lost_answer(run, each)))
        ],
        transactions=[
            replace(each, outcome="unknown") if each.name in transactions else each
            for each in history.transactions
        ],
        readings=[
            each
            for each in history.readings
            if each.source == "follow" or not _read_lost(run, each)
            if not (acknowledged and run.met_outage(each.invoked))
        ],
    )


def _saw_lost(run: Run, append: Append) -> bool:
    """Tell whether an append recorded nothing because of facts that were lost."""
    if append.outcome not in ("rejected", "declined", "nothing") or not run.met_outage(append.invoked):
        return False
    conflicts = [run.log.by_position.get(position) for position in append.conflicts]
    seen = [run.log.by_identity.get(identity) for identity in append.saw or ()]
    return any(_is_lost(run, fact, append.completed) for fact in (*conflicts, *seen))


def _read_lost(run: Run, reading: Reading) -> bool:
    seen = [run.log.by_identity.get(identity) for _, identity in reading.seen]
    return any(_is_lost(run, fact, reading.completed) for fact in seen)


def _is_lost(run: Run, fact: Fact | None, seen: int) -> bool:
    """Tell whether what was seen then is not there, or was recorded again under its key."""
    return fact is None or (fact.append in run.appends and run.appends[fact.append].invoked > seen)


def _is_lost_answer(run: Run, append: Append) -> bool:
    """Tell whether the answer under the key, or the ids, of another append was lost."""
    answered = append.repeats or append.outcome == "nothing"
    kept: tuple[int, ...] | None = append.positions
    if append.key:
        kept = run.log.keys.get(append.key)
    elif append.ids:
        kept = tuple(sorted(fact.position for fact in run.log.by_mark.get(append.mark, [])))
    return answered and run.met_outage(append.invoked) and kept != append.positions

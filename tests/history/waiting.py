"""Who waited for whom: G5 (nobody for a transaction whose tags are not theirs) and G10 (nobody for long).

What is locked is not in the history. So two meet here as soon as any tag that one names in its query is
named by the other, in its query or on its facts. Nothing is said of an append that meets anybody: it may
have waited for somebody who waited.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from tests.history.faults import Fault, Run
from tests.history.operations import Append, Freeze, Transaction

__all__ = ["check_deadlocks", "check_freezes", "check_parallel", "passing", "stalled"]

#: A transaction that stays open so long is held (ns): others can be seen to pass it.
HELD = 100_000_000
#: An append that took longer than this, and ended after a held transaction did, waited for it (ns).
WAITED = 700_000_000
#: How much later than its limit an append may come back on a busy machine (ns).
SLACK = 2_000_000_000


def guards(append: Append) -> frozenset[str]:
    """Return the tags by which it decides, its key and its ids: whoever names one of them has to wait."""
    items = append.query.get("items", []) if append.query else []
    keys = [f"key:{append.key}"] if append.key else []
    keys += [f"ids:{append.mark}"] if append.ids else []
    return frozenset([*keys, *(tag for item in items for tag in item["tags"])])


def names(append: Append) -> frozenset[str]:
    """Return those and the tags of its facts, which anybody may share who does not decide by them."""
    return guards(append) | {tag for fact in append.facts for tag in fact.tags}


def is_tagless(append: Append) -> bool:
    """Tell whether its decision is about all tags, so that it waits for everybody."""
    query = append.query
    return query is not None and ("all" in query or not all(item["tags"] for item in query["items"]))


def meets(one: Append, others: Iterable[Append]) -> bool:
    """Tell whether it can have to do with any of the others."""
    return is_tagless(one) or any(
        is_tagless(other) or guards(one) & names(other) or names(one) & guards(other) for other in others
    )


class _Neighbours:
    """The outermost transactions with their appends, for asking who was there at the same time."""

    def __init__(self, run: Run) -> None:
        appends = sorted(run.history.appends, key=lambda each: run.outermost[each.name].name)
        by_name = groupby(appends, key=lambda each: run.outermost[each.name])
        self.all = [(transaction, list(group)) for transaction, group in by_name]
        self.held = [(t, group) for t, group in self.all if t.committing - t.begun >= HELD]

    def beside(self, append: Append, mine: Transaction) -> list[tuple[Transaction, list[Append]]]:
        """Return the transactions of others that were open at some moment of the append."""
        return [
            (other, appends)
            for other, appends in self.all
            if other.process != mine.process
            and other.begun <= append.completed
            and other.ended >= append.invoked
        ]

    def strangers(self, run: Run) -> Iterator[tuple[Append, list[tuple[Transaction, list[Append]]]]]:
        """Yield each append that met nobody, with the transactions that were held beside it."""
        for append in run.history.appends:
            mine = run.outermost[append.name]
            if any(_overlap(append, held) and held.process != mine.process for held, _ in self.held):
                beside = self.beside(append, mine)
                if not any(meets(append, appends) for _, appends in beside):
                    yield append, [(t, group) for t, group in beside if t.committing - t.begun >= HELD]


def _overlap(append: Append, transaction: Transaction) -> bool:
    return transaction.begun <= append.completed and transaction.ended >= append.invoked


def check_parallel(run: Run) -> Iterator[Fault]:
    """G5: who met nobody was not told to come again, and did not end just after one who held."""
    for append, held in _Neighbours(run).strangers(run):
        if append.outcome == "busy" and held:
            yield Fault("G5", f"{append.name} met nobody, and was busy while {held[0][0].name} was held")
        for transaction, _ in held:
            long = append.completed - append.invoked >= WAITED
            if long and append.invoked <= transaction.committing <= append.completed:
                yield Fault("G5", f"{append.name} met nobody, and waited for {transaction.name}")


def passing(run: Run) -> int:
    """Count the appends that passed a transaction which had drawn positions and was held."""
    return sum(
        any(_is_passed(append, held, group) for held, group in beside)
        for append, beside in _Neighbours(run).strangers(run)
        if append.outcome == "accepted"
    )


def _is_passed(append: Append, held: Transaction, group: list[Append]) -> bool:
    drew = any(each.positions and each.completed <= append.invoked for each in group)
    return drew and append.completed <= held.committing


def check_deadlocks(run: Run) -> Iterator[Fault]:
    """G10: a deadlock takes a transaction of several appends; whoever appends once never makes one."""
    neighbours = _Neighbours(run)
    for append in (each for each in run.history.appends if each.outcome == "broken"):
        mine = run.outermost[append.name]
        beside = [group for _, group in neighbours.beside(append, mine)]
        if all(len(group) == 1 for group in beside) and _is_alone(run, append):
            yield Fault("G10", f"{append.name} was broken off among appends that were alone: {append.error}")


def _is_alone(run: Run, append: Append) -> bool:
    mine = run.outermost[append.name]
    return all(run.outermost[each.name] != mine or each is append for each in run.history.appends)


def check_freezes(run: Run) -> Iterator[Fault]:
    """G10: while a process was frozen, nobody waited longer than the limit."""
    for freeze in run.history.freezes:
        for append in _during(run, freeze):
            took = append.completed - append.invoked
            if took > freeze.limit * 1e9 + SLACK:
                who = f"process {freeze.process} was frozen"
                yield Fault("G10", f"{append.name} took {took / 1e9:.1f} s, of {freeze.limit} s, while {who}")


def stalled(run: Run) -> int:
    """Count the appends that came back busy while a process was frozen."""
    return sum(each.outcome == "busy" for freeze in run.history.freezes for each in _during(run, freeze))


def _during(run: Run, freeze: Freeze) -> Iterator[Append]:
    for append in run.history.appends:
        others = run.outermost[append.name].process != freeze.process
        if others and freeze.begun <= append.invoked <= freeze.ended:
            yield append

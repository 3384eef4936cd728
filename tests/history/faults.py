"""A history beside the tables that it left, and what can be wrong with the two."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from tests.history.operations import Append, History, Transaction
from tests.history.tables import Fact, Log

__all__ = ["Fault", "Run"]


@dataclass(frozen=True, slots=True)
class Fault:
    """One broken promise."""

    guarantee: str
    what: str

    def __str__(self) -> str:
        return f"{self.guarantee}: {self.what}"


@dataclass
class Run:
    """A history and the tables that it left, with what the checks ask of both."""

    history: History
    log: Log

    @cached_property
    def transactions(self) -> dict[str, Transaction]:
        """The transactions by name."""
        return {each.name: each for each in self.history.transactions}

    @cached_property
    def appends(self) -> dict[str, Append]:
        """The appends by name."""
        return {each.name: each for each in self.history.appends}

    @cached_property
    def killed(self) -> frozenset[int]:
        """The processes that were killed."""
        return frozenset(each.process for each in self.history.kills)

    def is_of_killed(self, append: Append) -> bool:
        """Tell whether the process that appended was killed later."""
        return self.outermost[append.name].process in self.killed

    def outlived(self, append: Append) -> bool:
        """Tell whether the server was killed after the append had been acknowledged."""
        return any(self.ended(append) < outage.dead for outage in self.history.outages)

    def met_outage(self, invoked: int) -> bool:
        """Tell whether what was asked then may have been answered by a server that was killed later."""
        return any(invoked < outage.dead for outage in self.history.outages)

    @cached_property
    def by_key(self) -> dict[str, list[Append]]:
        """The appends that asked under each idempotency key."""
        groups: dict[str, list[Append]] = {}
        for each in self.history.appends:
            if each.key is not None:
                groups.setdefault(each.key, []).append(each)
        return groups

    @cached_property
    def by_ids(self) -> dict[str, list[Append]]:
        """The appends that asked with the same ids and without a key, by their mark."""
        groups: dict[str, list[Append]] = {}
        for each in self.history.appends:
            if each.ids and each.key is None:
                groups.setdefault(each.mark, []).append(each)
        return groups

    @cached_property
    def by_transaction(self) -> dict[str, list[Append]]:
        """The appends of each transaction."""
        groups: dict[str, list[Append]] = {}
        for each in self.history.appends:
            groups.setdefault(each.transaction, []).append(each)
        return groups

    def fate(self, append: Append) -> str:
        """Return ``committed``, ``rolled back`` or ``unknown``, of the transaction and those around it."""
        lineage = list(self.lineage(append.transaction))
        if any(each.outcome == "rolled back" for each in lineage):
            return "rolled back"
        return "unknown" if any(each.outcome == "unknown" for each in lineage) else "committed"

    @cached_property
    def outermost(self) -> dict[str, Transaction]:
        """The outermost transaction of each append, by the append's name."""
        return {each.name: list(self.lineage(each.transaction))[-1] for each in self.history.appends}

    def ended(self, append: Append) -> int:
        """Return when the transaction of the append had certainly ended."""
        return self.outermost[append.name].ended

    def committing(self, append: Append) -> int:
        """Return when the transaction of the append had certainly not committed yet."""
        return self.outermost[append.name].committing

    def lineage(self, name: str | None) -> Iterator[Transaction]:
        """Yield the transaction of this name and those around it."""
        while name is not None:
            yield self.transactions[name]
            name = self.transactions[name].parent

    def own_facts(self, transaction: str | None, before: int) -> list[Fact]:
        """Return what the transaction, or one around it, had recorded when the clock said ``before``."""
        return [
            Fact(position, identity, asked.type, frozenset(asked.tags), append.name)
            for each in self.lineage(transaction)
            for append in self.by_transaction.get(each.name, ())
            if append.outcome == "accepted" and not append.repeats and append.completed <= before
            for position, identity, asked in zip(
                append.positions, append.identities, append.facts, strict=False
            )
        ]

"""What the rows of the ledger's followers have to be, and what they are; and changed ledgers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from typing import Any

from factos_django import Query, Recorded
from factos_django.models import ProjectionState
from factos_django.projections.declaration import Projection
from factos_django.registry import PROJECTIONS
from factos_django.store import append, read
from tests.ledger.domain import Closed, Deposited, LedgerBalance, Transferred, accounts_of, balance
from tests.ledger.factos import followed_balances
from tests.ledger.models import FollowedBalance, FollowedEntry, Turnover

__all__ = [
    "BALANCES",
    "ENTRIES",
    "TURNOVERS",
    "assert_rows_are_those_of_the_log",
    "assert_rows_of",
    "balances_in",
    "deposit",
    "failing_at",
    "in_place",
    "some_history",
    "state",
]

BALANCES, TURNOVERS, ENTRIES = "ledger.followed_balances", "ledger.turnovers", "ledger.followed_entries"

Rows = dict[Any, tuple[Any, ...]]


def deposit(using: str, count: int = 1, account: str = "a") -> list[int]:
    """Append so many deposits of 1, each by itself; return their positions."""
    return [append([Deposited(account, 1)], using=using)[0].position for _ in range(count)]


def some_history(using: str) -> None:
    """Append facts of every kind: rows that are born, change, go and come again."""
    append([Deposited("a", 100), Deposited("b", 50), Deposited("ä", 1)], using=using)
    for amount in range(1, 8):
        append([Transferred("a", "b", amount, memo=f"no. {amount}")], using=using)
        append([Transferred("b", "ä", 1)], using=using)
    append([Closed("b"), Transferred("a", "b", 7), Closed("ä")], using=using)


def state(name: str, using: str) -> ProjectionState:
    """Return where a projection stands."""
    return ProjectionState.objects.using(using).get(pk=name)


def balances_in(using: str) -> Rows:
    """Return the rows of the followed balances."""
    rows = FollowedBalance.objects.using(using).values_list("account", "amount", "moves", "factos_position")
    return {account: tuple(rest) for account, *rest in rows}


def assert_rows_are_those_of_the_log(using: str) -> None:
    """Compare what followers wrote with a fold of the whole log in memory."""
    for name in _ROWS:
        assert_rows_of(name, using)


def assert_rows_of(name: str, using: str, upto: int | None = None) -> None:
    """Compare the rows of one projection with a fold of the log up to a position."""
    log = [each for each in read(Query.all(), using=using) if upto is None or each.position <= upto]
    stored, folded = _ROWS[name]
    assert stored(using) == folded(log)


def _folded_balances(log: Sequence[Recorded[Any]]) -> Rows:
    states: dict[str, tuple[LedgerBalance, int]] = {}
    for each in (each for each in log if isinstance(each.event, (Deposited, Transferred, Closed))):
        for account in dict.fromkeys(accounts_of(each.event)):
            before = states[account][0] if account in states else LedgerBalance(account)
            after = balance.evolve(before, each)
            if after is None:
                states.pop(account, None)
            else:
                states[account] = (after, each.position)
    return {account: (row.amount, row.moves, position) for account, (row, position) in states.items()}


def _turnovers_in(using: str) -> Rows:
    names = ("payer", "payee", "amount", "last_at", "last_memo", "factos_position")
    rows = Turnover.objects.using(using).values_list(*names)
    return {(payer, payee): tuple(rest) for payer, payee, *rest in rows}


def _folded_turnovers(log: Sequence[Recorded[Any]]) -> Rows:
    rows: Rows = {}
    for each in (each for each in log if isinstance(each.event, Transferred)):
        pair, amount = (each.event.payer, each.event.payee), Decimal(each.event.amount) / 100
        before = rows[pair][0] if pair in rows else Decimal(0)
        rows[pair] = (before + amount, each.recorded_at, each.event.memo, each.position)
    return rows


def _entries_in(using: str) -> Rows:
    entries = FollowedEntry.objects.using(using).order_by("pk").values_list("position", "amount")
    return dict(enumerate(entries))


def _folded_entries(log: Sequence[Recorded[Any]]) -> Rows:
    transfers = [each for each in log if isinstance(each.event, Transferred)]
    return dict(enumerate((each.position, each.event.amount) for each in transfers))


_ROWS: dict[str, tuple[Callable[[str], Rows], Callable[[Sequence[Recorded[Any]]], Rows]]] = {
    BALANCES: (balances_in, _folded_balances),
    TURNOVERS: (_turnovers_in, _folded_turnovers),
    ENTRIES: (_entries_in, _folded_entries),
}


@contextmanager
def in_place(projection: Projection) -> Iterator[Projection]:
    """Let ``projection`` be the one that is registered under its name, inside the block."""
    usual = PROJECTIONS.named(projection.name)
    PROJECTIONS.unregister(projection.name)
    PROJECTIONS.register(projection)
    try:
        yield projection
    finally:
        PROJECTIONS.unregister(projection.name)
        PROJECTIONS.register(usual)


def failing_at(raises: Callable[[Recorded[Any]], object], **changes: Any) -> Projection:
    """Return the followed balances with a view that calls ``raises`` first."""
    feed: Any = followed_balances.feed

    def evolve(before: Any, recorded: Recorded[Any]) -> Any:
        raises(recorded)
        return feed.evolve(before, recorded)

    return replace(followed_balances, feed=replace(feed, evolve=evolve), **changes)

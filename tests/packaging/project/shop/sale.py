"""What the tests of the shop share: buying, alone or in a crowd of threads."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from django.contrib.auth.models import User
from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from factos_django import Recorded
from factos_django.dispatch import dispatch, retrying
from factos_django.store import append, read

from .domain import BuySeat, Fact, Full, HallOpened, SeatSold, facts_of, hall_context, seat_sales
from .models import HallSales

THREADS = 4


def open_hall(hall: str, seats: int) -> None:
    append([HallOpened(hall, seats)])


def buy(hall: str, buyer: str) -> bool:
    try:
        dispatch(BuySeat(hall, buyer), decider=seat_sales, query=hall_context)
    except Full:
        return False
    return True


def log_of(hall: str) -> list[Recorded[Fact]]:
    return list(read(facts_of(hall)))


def seats_sold(hall: str) -> int:
    """Count the facts; the row of the projection, if there is any fact, says the same."""
    sold = sum(isinstance(each.event, SeatSold) for each in log_of(hall))
    assert list(HallSales.objects.filter(pk=hall).values_list("sold", flat=True)) == [sold]
    return sold


@retrying
def open_account_and_buy(hall: str, buyer: str) -> None:
    User.objects.create(username=buyer)
    dispatch(BuySeat(hall, buyer), decider=seat_sales, query=hall_context)


def buy_with_account(hall: str, buyer: str) -> bool:
    """Buy in a transaction of the project, which writes a row of its own first."""
    try:
        open_account_and_buy(hall, buyer)
    except Full:
        return False
    return True


def close_connections() -> None:
    """Close this thread's connections, that to a database in memory as well: its own close() does nothing."""
    for connection in connections.all(initialized_only=True):
        BaseDatabaseWrapper.close(connection)


@contextmanager
def append_held_open(hall: str, buyer: str, *, seconds: float) -> Iterator[None]:
    """Let another thread buy, and commit after ``seconds``, or at the end of the block if that is sooner."""
    bought, enough = threading.Event(), threading.Event()

    def buy_and_hold() -> None:
        try:
            with transaction.atomic():
                assert buy(hall, buyer)
                bought.set()
                enough.wait(seconds)
        finally:
            bought.set()
            close_connections()

    with ThreadPoolExecutor(1) as pool:
        held = pool.submit(buy_and_hold)
        bought.wait()
        yield
        enough.set()
        held.result()


def rush(
    hall: str, attempts: int, *, reading: bool = False, buying: Callable[[str, str], bool] = buy
) -> Counter[bool]:
    """Buy from several threads at once, each with its own connection; count the answers."""
    together = threading.Barrier(THREADS)

    def buy_some(thread: int) -> Counter[bool]:
        together.wait(timeout=10)
        try:
            answers = Counter[bool]()
            for n in range(attempts):
                answers[buying(hall, f"{thread}-{n}")] += 1
                assert not reading or log_of(hall)
            return answers
        finally:
            close_connections()

    with ThreadPoolExecutor(THREADS) as pool:
        return sum(pool.map(buy_some, range(THREADS)), Counter())

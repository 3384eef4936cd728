"""Running a transaction again when the database broke it off."""

from __future__ import annotations

import functools
import random
import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar, overload

from factos_django.conf import conf
from factos_django.core.condition import AppendConditionFailed
from factos_django.core.errors import InsideTransaction, RetryTransaction
from factos_django.store.database import database_for_writing
from factos_django.store.transactions import LockedAtOnce, is_testcase, owns_transaction, unit_of_work

__all__ = ["patiently", "retried", "retrying"]

P = ParamSpec("P")
R = TypeVar("R")

#: The first pause is up to this long (seconds); each later one up to twice the one before.
_FIRST_PAUSE = 0.01
_LONGEST_PAUSE = 1.0


def retried(once: Callable[[], R], *, using: str) -> R:
    """Return ``once()``, run again after RetryTransaction where the transaction is ours to run again.

    Inside the caller's transaction it runs once: whoever owns the transaction retries it.
    """
    if not owns_transaction(using):
        return once()
    return _repeat(once, conf.DISPATCH_ATTEMPTS, (RetryTransaction,))


@overload
def retrying(attempts: Callable[P, R]) -> Callable[P, R]: ...


@overload
def retrying(attempts: int = 5, using: str | None = None) -> Callable[[Callable[P, R]], Callable[P, R]]: ...


def retrying(
    attempts: int | Callable[P, R] = 5, using: str | None = None
) -> Callable[P, R] | Callable[[Callable[P, R]], Callable[P, R]]:
    """Run the decorated function in a transaction of its own, and all of it again when that fails.

    The function is run again after AppendConditionFailed, deadlocks and serialization failures, with
    growing, random pauses between the runs; its own rows are rolled back with the facts. What it does
    outside of the database happens again each time.

    ``@retrying`` alone is ``@retrying()``.

    Args:
        attempts: How often it runs at most, 1 or more.
        using: The alias of the database; by default the one that the log is written to.

    Raises:
        InsideTransaction: When called inside an open transaction, which it could not run again.
    """

    if not isinstance(attempts, int):
        return _retrying(attempts, 5, using)
    return lambda function: _retrying(function, attempts, using)


def _retrying(function: Callable[P, R], attempts: int, using: str | None) -> Callable[P, R]:
    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        alias = database_for_writing(using)
        _refuse_nesting(function.__qualname__, alias)

        def once() -> R:
            with unit_of_work(alias):
                return function(*args, **kwargs)

        return _repeat(once, attempts, (RetryTransaction, AppendConditionFailed))

    return run


def _refuse_nesting(operation: str, using: str) -> None:
    if not owns_transaction(using) and not is_testcase(using):
        advice = "it could not run that transaction again; call it outside, or decorate its owner"
        raise InsideTransaction(operation=operation, using=using, advice=advice)


def _repeat(once: Callable[[], R], attempts: int, again: tuple[type[Exception], ...]) -> R:
    for attempt in range(1, attempts):
        try:
            return patiently(once)
        except again:
            _pause(min(_FIRST_PAUSE * 2**attempt, _LONGEST_PAUSE))
    return patiently(once)


def patiently(once: Callable[[], R]) -> R:
    """Return what ``once`` does, and wait where SQLite would not: a shared cache refuses others at once.

    Args:
        once: Tells the errors of the database as ours; it may run again.

    Raises:
        StoreBusy: It is refused for longer than FACTOS_LOCK_TIMEOUT_SECONDS.
    """
    began = time.monotonic()
    while True:
        try:
            return once()
        except LockedAtOnce:
            if time.monotonic() - began > conf.LOCK_TIMEOUT_SECONDS:
                raise
            _pause(_FIRST_PAUSE)


def _pause(most: float) -> None:
    time.sleep(random.uniform(0, most))  # jitter

"""After commit: who waits for facts is woken, and who listens is told. Of refusals, too."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from django.db import connections, transaction

from factos_django.core.condition import AppendConditionFailed
from factos_django.core.errors import EventIdReused, IdempotencyKeyReused
from factos_django.core.event import Recorded
from factos_django.signals import append_rejected, events_recorded, tell

__all__ = ["WAKERS", "announce", "has_appended", "telling_refusals"]

logger = logging.getLogger(__name__)

#: What wakes those who follow the log, each called with the alias of the database, after a commit that
#: appended. They return at once and do not fail; whom they do not reach looks by himself, later.
WAKERS: list[Callable[[str], None]] = []


def announce(recorded: Sequence[Recorded[Any]], using: str) -> None:
    """Tell of ``recorded`` once this transaction has committed, or at once where none is open."""
    connection = connections[using]
    if not recorded or not (connection.get_autocommit() or connection.in_atomic_block):
        return  # whoever commits by hand can be told of nothing
    if events_recorded.has_listeners():
        told = partial(tell, events_recorded, events=tuple(recorded), using=using)
        transaction.on_commit(told, using=using, robust=True)
    if not has_appended(using):  # one waking a transaction
        transaction.on_commit(_Wake(using), using=using, robust=True)


@contextmanager
def telling_refusals(using: str) -> Iterator[None]:
    """Tell of an append that is refused, once the block around its unit of work has ended."""
    try:
        yield
    except (AppendConditionFailed, IdempotencyKeyReused, EventIdReused) as error:
        tell(append_rejected, error=error, using=using)
        raise


def has_appended(using: str) -> bool:
    """Tell whether the open transaction has appended; a savepoint that was rolled back does not count."""
    return any(isinstance(entry[1], _Wake) for entry in connections[using].run_on_commit)


class _Wake:
    """Wakes everybody who follows the log of one database."""

    def __init__(self, using: str) -> None:
        self.using = using
        self.__qualname__ = type(self).__qualname__  # by which Django logs what fails

    def __call__(self) -> None:
        for wake in WAKERS:
            try:
                wake(self.using)
            except Exception:  # Django's ``robust`` fails at a callback that has no name
                logger.exception("Nobody was woken for facts in %s; they look by themselves", self.using)

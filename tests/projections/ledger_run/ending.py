"""What has to be true when nobody writes any more: all is caught up, and is what the facts make."""

from __future__ import annotations

import time
from collections.abc import Iterator

from django.db import connections

from factos_django.projections import Standing, catch_up
from factos_django.projections.rebuilding import check
from tests.history.faults import Fault
from tests.projections.ledger_run.look import Look
from tests.projections.ledger_run.plan import FOLLOWED, INLINE
from tests.projections.ledgers import assert_rows_of

__all__ = ["faults_of_the_end"]

#: How long followers that were put off have to catch up (seconds).
_PATIENCE = 30


def faults_of_the_end(using: str) -> Iterator[Fault]:
    """Catch up, check every projection, and yield what is wrong then."""
    yield from _behind(using)
    yield from _unlike_the_replay(using)
    yield from Look.at(using).faults()
    for name in [*INLINE, *FOLLOWED]:
        yield from _checked(name, using)  # which removes what the killed have left, too
    if left := [each for each in _tables(using) if each.startswith("factos_stage")]:
        yield Fault("G7", f"these tables were left: {left}")


def _checked(name: str, using: str) -> Iterator[Fault]:
    try:
        outcome = check(name, using=using)
    except Exception as error:
        yield Fault("errors", f"in the end {name} cannot be checked: {error!r}")
        return
    if not outcome.is_right:
        yield Fault("G7", f"in the end {name} has {outcome.counts}: {outcome.sample[:3]}")


def _behind(using: str) -> Iterator[Fault]:
    deadline = time.monotonic() + _PATIENCE
    while behind := [each for each in catch_up(*FOLLOWED, using=using) if not _has_caught_up(each.standing)]:
        if time.monotonic() > deadline:
            yield Fault("G10", f"nobody can catch up: {behind}")
            return
        time.sleep(0.1)


def _has_caught_up(standing: Standing) -> bool:
    return standing is Standing.CAUGHT_UP


def _unlike_the_replay(using: str) -> Iterator[Fault]:
    for name in FOLLOWED:
        try:
            assert_rows_of(name, using)
        except AssertionError as error:
            yield Fault("G4", f"in the end {name} is not what the facts make: {error}")


def _tables(using: str) -> list[str]:
    return list(connections[using].introspection.table_names())

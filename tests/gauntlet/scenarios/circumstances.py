"""What is around the app and may be otherwise: a pooler that lends sessions, clocks that are wrong."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

from django.db import connections

from factos_django.models import Event
from tests.gauntlet.outcome import Outcome
from tests.gauntlet.scenario import Case, Scenario
from tests.gauntlet.scenarios.judged import RUNS, of_history
from tests.gauntlet.troubles.clocks import stepping_clocks
from tests.gauntlet.troubles.pooler import pooler, why_no_pooler
from tests.history.long_form import SHORTLY, database
from tests.history.run import Plan, run
from tests.proofs import proving
from tests.scratch import connected_anew
from tests.stores import STORES, Store

__all__ = ["CLOCKS", "POOLERS"]

#: Sessions that the pooler has for all clients, fewer than writers.
_SESSIONS = 6
_WRITERS = 16


def _cases_of_poolers(seed: int, short: bool) -> Iterator[Case]:
    for store in STORES:
        if store.using == "postgres":
            yield Case(store.id, partial(_run_pooled, store, seed, short), why_no_pooler())


def _run_pooled(store: Store, seed: int, short: bool) -> Outcome:
    plan = Plan(
        store.using, (store.guard,), writers=_WRITERS, operations=20 if short else 80, freezes=0, pooled=True
    )
    wanted = replace(SHORTLY, stalled=0, acknowledged=0)

    def once(number: int) -> tuple[Any, list[str]]:
        with (
            database(store.using),
            pooler(connections[store.using].settings_dict, _SESSIONS) as lent,
            connected_anew(store.using, **lent),
            tempfile.TemporaryDirectory() as directory,
        ):
            report = run(replace(plan, seed=seed + number), Path(directory))
        return report, wanted.lacking(report.evidence)

    report, lacking = proving(once, RUNS)
    return of_history(POOLERS.name, store.id, report, lacking)


def _cases_of_clocks(seed: int, short: bool) -> Iterator[Case]:
    for store in STORES:
        yield Case(store.id, partial(_run_with_clocks, store, seed, short))


def _run_with_clocks(store: Store, seed: int, short: bool) -> Outcome:
    plan = Plan(store.using, (store.guard,), operations=20 if short else 60)
    counts = {"steps back": 0}

    def once(number: int) -> tuple[Any, list[str]]:
        with (
            database(store.using),
            stepping_clocks(seed + number),
            tempfile.TemporaryDirectory() as directory,
        ):
            report = run(replace(plan, seed=seed + number), Path(directory))
            counts["steps back"] = _steps_back(store.using)
        few = [] if counts["steps back"] >= plan.operations else ["steps back"]
        return report, [*SHORTLY.lacking(report.evidence), *few]

    report, lacking = proving(once, RUNS)
    return of_history(CLOCKS.name, store.id, report, lacking, counts)


def _steps_back(using: str) -> int:
    """Return how many facts say that they were recorded before the one below them."""
    moments = Event.objects.using(using).order_by("position").values_list("recorded_at", flat=True)
    return sum(later < earlier for earlier, later in pairwise(moments))


POOLERS = Scenario(
    "pooler",
    f"{_WRITERS} processes append, and two follow, by PgBouncer in transaction mode, which has "
    f"{_SESSIONS} sessions for all of them.",
    "A30",
    _cases_of_poolers,
)
CLOCKS = Scenario(
    "clocks that step",
    "The clock of each process is wrong by up to a day, either way, and steps five times a second.",
    "A20",
    _cases_of_clocks,
)

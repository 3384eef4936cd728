"""Many processes at once, on each store: over the log, and over what is projected from it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from django.test import override_settings

from tests.gauntlet.outcome import Outcome
from tests.gauntlet.scenario import Case, Scenario
from tests.gauntlet.scenarios.judged import RUNS, of_history, of_run
from tests.history import long_form as log
from tests.history.run import run
from tests.projections.ledger_run import long_form as ledger
from tests.projections.ledger_run.run import run as run_ledger
from tests.proofs import proving
from tests.stores import STORES

__all__ = ["LEDGERS", "LOGS"]


def _cases_of(form: Any, run: Callable[[Any, int], Outcome]) -> Callable[[int, bool], Iterator[Case]]:
    """Return what yields the cases of one kind of run; ``form`` is the module of its forms."""

    def cases(seed: int, short: bool) -> Iterator[Case]:
        forms = [form.short_case(store) for store in STORES] if short else form.long_form(seed).values()
        for each in forms:
            reason = "the database does not answer" if each.is_left_out else ""
            yield Case(each.name, partial(run, each, seed), reason)

    return cases


def _run_log(form: log.Case, seed: int) -> Outcome:
    def once(number: int) -> tuple[Any, list[str]]:
        with log.database(form.plan.using), tempfile.TemporaryDirectory() as directory:
            report = run(replace(form.plan, seed=seed + number), Path(directory))
        return report, form.wanted.lacking(report.evidence)

    return of_history(LOGS.name, form.name, *proving(once, RUNS))


def _run_ledger(form: ledger.Case, seed: int) -> Outcome:
    def once(number: int) -> tuple[Any, list[str]]:
        guard = override_settings(FACTOS_GUARD={form.plan.using: form.plan.guards[0]})
        with guard, log.database(form.plan.using):
            report = run_ledger(replace(form.plan, seed=seed + number))
        return report, form.lacking(report)

    report, lacking = proving(once, RUNS)
    return of_run(LEDGERS.name, form.name, report, lacking, report.evidence)


LOGS = Scenario(
    "many writers",
    "Eight processes append and dispatch about few tags; two follow. Some roll back, some are killed with "
    "SIGKILL, one is stopped with SIGSTOP while its transaction is open, some hold theirs while others pass.",
    "A1, A2, A5-A8, A10-A12, A17, A18, A21, A22, C1, C5, C6",
    _cases_of(log, _run_log),
)
LEDGERS = Scenario(
    "followers and rebuilds",
    "Processes move money between few accounts; followers and rebuilds are killed with SIGKILL at any "
    "moment, and started again. Readers compare rows and facts in one snapshot, all the time.",
    "A11, C2, C3, C9-C13, C17, C18",
    _cases_of(ledger, _run_ledger),
)

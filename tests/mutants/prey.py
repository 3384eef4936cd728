"""``python -m tests.mutants.prey RUN STORE SECONDS SCENES [SEED]``, in a mutated copy; says JSON."""

from __future__ import annotations

import json
import logging
import os
import sys
import tempfile
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

from django.conf import settings  # noqa: E402 (it asks for the settings)
from django.core.management import call_command  # noqa: E402
from django.db import connections  # noqa: E402

from tests.history.long_form import database, long_form  # noqa: E402
from tests.history.run import Plan, Report, drawn_seed, run  # noqa: E402
from tests.projections.ledger_run import plan as ledger  # noqa: E402
from tests.projections.ledger_run import run as ledger_run  # noqa: E402


def main(name: str, store: str, seconds: float, scenes: dict[str, int], seed: int) -> None:
    """Run until a guarantee is seen broken, at most so long, each time with the next seed.

    ``scenes`` are numbers of the plan that are to differ from the usual ones.
    """
    case = long_form(seed)[store].plan
    once = partial(_RUNS[name], case, scenes)
    deadline = time.monotonic() + seconds
    logging.disable(logging.CRITICAL)  # no type derives the tags of a run, and mutants stop projections
    with database(case.using):
        report = once(seed)
        while not _broken(report) and time.monotonic() < deadline:
            seed += 1
            _empty(case.using)
            report = once(seed)
    faults = [str(fault) for fault in report.faults]
    what = "\n".join([*report.deaths, *sorted(faults, key=lambda fault: fault.startswith("errors"))][:3])
    sys.stdout.write(json.dumps({"found_by": _broken(report), "seed": seed, "what": what}) + "\n")


def _run_history(case: Plan, scenes: dict[str, int], seed: int) -> Report:
    shown: dict[str, Any] = {"operations": 40, "victims": 0, "freezes": 0, **scenes}
    plan = replace(case, alone=10, holds=int(case.parallel), **shown)
    with tempfile.TemporaryDirectory() as directory:
        return run(replace(plan, seed=seed), Path(directory))


def _run_ledger(case: Plan, scenes: dict[str, int], seed: int) -> ledger.Report:
    settings.FACTOS_GUARD = {case.using: case.guards[0]}
    shown: dict[str, Any] = {**scenes}
    return ledger_run.run(ledger.Plan(case.using, seed=seed, **shown))


_RUNS: dict[str, Any] = {"history": _run_history, "ledger": _run_ledger}


def _broken(report: Report | ledger.Report) -> list[str]:
    """Return the guarantees that were seen broken; that a process crashed is no sign of any."""
    return sorted({fault.guarantee for fault in report.faults if fault.guarantee.startswith("G")})


def _empty(using: str) -> None:
    """Make the log empty, and its sequence fresh."""
    call_command("flush", database=using, verbosity=0, interactive=False, erase_facts=True)
    if connections[using].vendor == "postgresql":
        with connections[using].cursor() as cursor:
            cursor.execute("ALTER SEQUENCE factos_event_position_seq RESTART")


if __name__ == "__main__":
    name, store, seconds, scenes, *seed = sys.argv[1:]
    main(name, store, float(seconds), json.loads(scenes), int(seed[0]) if seed else drawn_seed())

"""Runs of many processes have to prove something: one in which nobody met anybody finds nothing wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.core.management import call_command

__all__ = ["proving_run"]

#: On a busy machine a run may prove too little, which is nobody's fault: it is run again, so often (runs).
_RUNS = 4


def proving_run(run: Callable[[int], Any], lacking: Callable[[Any], Sequence[str]], using: str) -> Any:
    """Return the report of the first run that lacks nothing; no run may have a death or a fault.

    ``run`` gets the number of the run, and finds an empty log.
    """
    for number in range(_RUNS):
        report = run(number)
        assert not report.deaths, str(report)
        assert not report.faults, str(report)
        if not (missing := lacking(report)):
            return report
        call_command("flush", database=using, interactive=False, verbosity=0)
    raise AssertionError(f"{_RUNS} runs, and the last one lacks {missing}: {report}")

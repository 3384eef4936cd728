"""Runs of many processes have to prove something: one in which nobody met anybody finds nothing wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.core.management import call_command

__all__ = ["proving", "proving_run"]

#: On a busy machine a run may prove too little, which is nobody's fault: it is run again, so often (runs).
_RUNS = 4


def proving(once: Callable[[int], tuple[Any, list[str]]], runs: int = _RUNS) -> tuple[Any, list[str]]:
    """Run, and run again while nothing is wrong and too little was proved; return the last report.

    ``once`` gets the number of the run, and returns its report and what that lacks; so does this.
    """
    for number in range(runs):
        report, lacking = once(number)
        if report.faults or report.deaths or not lacking:
            break
    return report, lacking


def proving_run(run: Callable[[int], Any], lacking: Callable[[Any], Sequence[str]], using: str) -> Any:
    """Return the report of the first run that lacks nothing; no run may have a death or a fault.

    ``run`` gets the number of the run, and finds an empty log.
    """

    def once(number: int) -> tuple[Any, list[str]]:
        if number:
            call_command("flush", database=using, interactive=False, verbosity=0)
        report = run(number)
        return report, [*lacking(report)]

    report, missing = proving(once)
    assert not report.deaths, str(report)
    assert not report.faults, str(report)
    assert not missing, f"{_RUNS} runs, and the last one lacks {missing}: {report}"
    return report

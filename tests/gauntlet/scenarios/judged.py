"""From the report of a run to the outcome of a case."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from tests.gauntlet.outcome import Outcome
from tests.history.run import Report

__all__ = ["RUNS", "of_history", "of_run"]

#: A run that proves too little is run again, so often (runs).
RUNS = 3


def of_run(
    scenario: str,
    place: str,
    report: Any,
    lacking: Iterable[str],
    counts: Mapping[str, int],
    recoveries: Iterable[float] = (),
) -> Outcome:
    """Return the outcome of a run that a checker has judged, of whatever kind it is."""
    return Outcome.judged(
        scenario,
        place,
        report.plan.seed,
        report.seconds,
        report.faults,
        counts=counts,
        recoveries=recoveries,
        problems=[*report.deaths, *(f"proved too little: {each}" for each in lacking)],
    )


def of_history(
    scenario: str, place: str, report: Report, lacking: list[str], counts: Mapping[str, int] | None = None
) -> Outcome:
    """Return the outcome of a run over the log; ``counts`` come on top of what it proved."""
    evidence = {name: number for name, number in asdict(report.evidence).items() if name != "contended"}
    return of_run(scenario, place, report, lacking, evidence | dict(counts or {}), report.recoveries)

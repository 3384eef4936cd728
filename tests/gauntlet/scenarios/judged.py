"""From the report of a run to the outcome of a case."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from tests.gauntlet.outcome import Outcome
from tests.history.run import Report

__all__ = ["of_history", "proving"]

#: A run that proves too little is run again, so often (runs).
_RUNS = 3


def proving(once: Callable[[int], tuple[Any, list[str]]], seed: int) -> tuple[Any, list[str]]:
    """Run with this seed, and with the next ones while nothing is wrong and too little was proved.

    ``once`` takes a seed, and returns a report and what it lacks; so does this.
    """
    for number in range(_RUNS):
        report, lacking = once(seed + number)
        if report.faults or report.deaths or not lacking:
            break
    return report, lacking


def of_history(
    scenario: str, place: str, report: Report, lacking: list[str], counts: Mapping[str, int] | None = None
) -> Outcome:
    """Return the outcome of a run over the log; ``counts`` come on top of what it proved."""
    evidence = {name: number for name, number in asdict(report.evidence).items() if name != "contended"}
    return Outcome.judged(
        scenario,
        place,
        report.plan.seed,
        report.seconds,
        report.faults,
        counts=evidence | dict(counts or {}),
        recoveries=report.recoveries,
        problems=[*report.deaths, *(f"proved too little: {each}" for each in lacking)],
    )

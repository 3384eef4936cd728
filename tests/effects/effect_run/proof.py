"""What a run with a blow has to prove: one in which nothing was in flight finds nothing wrong."""

from __future__ import annotations

from collections.abc import Mapping

from tests.effects.effect_run.plan import Report

__all__ = ["LONG", "OF_BLOW", "SHORT", "lacking"]

#: Of every run.
LONG = {"effects": 500, "in flight": 20, "rolled back": 20, "dead": 2, "ordered": 50}
SHORT = {"effects": 60, "in flight": 10, "rolled back": 3, "ordered": 10}

#: What was seen from outside: exit statuses, messages that were there, what the system says of a process.
OF_BLOW = {
    "processes killed": {"killed": 4},
    "workers at points": {"killed": 5},
    "relays at points": {"killed": 2},
    "writers at points": {"killed": 4},
    "broker stopped": {"killed": 1},
    "broker hangs": {"frozen": 1},
    "broker emptied": {"thrown away": 1},
    "lease outlived": {"frozen": 1, "superseded": 1},
    "poison": {"killed": 1, "dead": 10},
    "rebuild": {"rebuilt": 1},
    "clocks apart": {"clocks apart": 2},
}


def lacking(report: Report, wanted: Mapping[str, int], of_blow: Mapping[str, int]) -> list[str]:
    """Return what the run did not prove."""
    least = {**wanted, **of_blow}
    return [f"{name}: {number} wanted" for name, number in least.items() if report.evidence[name] < number]

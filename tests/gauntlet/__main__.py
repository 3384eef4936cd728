"""``python -m tests.gauntlet``: every scenario on every database, and a page of what came of them."""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
import time
import traceback
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

import pytest  # noqa: E402 (what follows asks for the settings)

from tests.gauntlet.outcome import Outcome  # noqa: E402
from tests.gauntlet.page import PAGE, written  # noqa: E402
from tests.gauntlet.scenario import Case, Scenario  # noqa: E402
from tests.gauntlet.scenarios import SCENARIOS  # noqa: E402
from tests.history.run import drawn_seed  # noqa: E402


def main() -> int:
    """Run what the command line asks for; return 1 if anything is wrong, or too little was proved."""
    asked = _parsed()
    logging.disable(logging.CRITICAL)  # what is killed and cut says so
    seed = drawn_seed() if asked.seed is None else asked.seed
    sys.stdout.write(f"seed {seed}\n")
    known = {(each.scenario, each.place): each for each in _recorded(asked.record)}
    begun = time.monotonic()
    outcomes, left_out = [], []
    for scenario, case in _chosen(asked.scenario, seed, asked.short):
        if case.why_left_out:
            left_out.append(f"{scenario.name}, {case.place}: {case.why_left_out}")
            continue
        outcome = known.get((scenario.name, case.place))
        if outcome is None:
            outcome = _run(scenario, case, seed)
            _record(asked.record, outcome)
        _say(outcome)
        outcomes.append(outcome)
    sys.stdout.write("".join(f"left out: {each}\n" for each in left_out))
    sys.stdout.write(f"{len(outcomes)} cases in {(time.monotonic() - begun) / 60:.0f} minutes\n")
    if asked.write:
        PAGE.write_text(written(PAGE.read_text(), outcomes, left_out))
    bad = [each for each in outcomes if not each.is_good]
    sys.stdout.write("".join(f"NOT GOOD: {each.scenario}, {each.place}\n" for each in bad))
    return 1 if bad or (left_out and os.environ.get("CI")) else 0


def _parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.gauntlet", description=__doc__)
    names = [scenario.name for scenario in SCENARIOS]
    parser.add_argument("scenario", nargs="*", help=f"default: all of {', '.join(names)}")
    parser.add_argument("--short", action="store_true", help="ten minutes of it")
    parser.add_argument("--seed", type=int, help="default: FACTOS_HISTORY_SEED, else a random one")
    parser.add_argument("--write", action="store_true", help=f"write the tables of {PAGE.name}")
    parser.add_argument(
        "--record", type=Path, help="a file of outcomes: those in it are not run again, the others are added"
    )
    asked = parser.parse_args()
    if unknown := set(asked.scenario) - set(names):
        parser.error(f"there is no scenario {', '.join(sorted(unknown))}: choose from {', '.join(names)}")
    if asked.write and (asked.short or asked.scenario):
        parser.error("the page is written from a whole run: leave out --short and the names of scenarios")
    return asked


def _chosen(names: list[str], seed: int, short: bool) -> Iterator[tuple[Scenario, Case]]:
    for scenario in SCENARIOS:
        if not names or scenario.name in names:
            for case in scenario.cases(seed, short):
                yield scenario, case


def _run(scenario: Scenario, case: Case, seed: int) -> Outcome:
    """Run a case; one that cannot be run to its end is not good."""
    begun = time.monotonic()
    try:
        return case.run()
    except (Exception, pytest.fail.Exception, pytest.skip.Exception) as error:
        traceback.print_exc()
        seconds = time.monotonic() - begun
        return Outcome(scenario.name, case.place, seed, seconds, problems=(f"it broke off: {error!r}",))


def _say(outcome: Outcome) -> None:
    counts = ", ".join(f"{name} {number}" for name, number in outcome.counts.items())
    verdict = "good" if outcome.is_good else "NOT GOOD"
    where = f"{outcome.scenario}, {outcome.place}, {outcome.seconds:.0f} s, seed {outcome.seed}"
    sys.stdout.write(f"{verdict}: {where}: {counts}\n")
    sys.stdout.write("".join(f"    {problem}\n" for problem in outcome.problems))
    sys.stdout.flush()


def _recorded(file: Path | None) -> list[Outcome]:
    if file is None or not file.exists():
        return []
    told = map(json.loads, file.read_text().splitlines())
    return [Outcome(**{**each, "recoveries": tuple(each["recoveries"])}) for each in told]


def _record(file: Path | None, outcome: Outcome) -> None:
    """Add the outcome to the file, if it is good."""
    if file is not None and outcome.is_good:
        with file.open("a") as record:
            record.write(json.dumps(asdict(outcome)) + "\n")


if __name__ == "__main__":
    raise SystemExit(main())

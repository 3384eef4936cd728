"""The tables of docs/reliability.md: promises and what was seen of them, scenarios, recoveries, mutants."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from statistics import median

from tests.gauntlet.machine import machine
from tests.gauntlet.outcome import DATABASES, Outcome
from tests.gauntlet.promises import PROMISES, Promise
from tests.gauntlet.scenarios import SCENARIOS
from tests.gauntlet.scenarios.mutants import HUNT
from tests.markdown import between_marks, table_of

__all__ = ["BEGIN", "PAGE", "written"]

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reliability.md"
BEGIN = "<!-- From here to the next mark, make gauntlet writes. -->"

_COLUMNS = tuple(DATABASES.values())
_OF_SCENARIO = ["scenario", "what is done", "faults of the catalogue", "cases", "minutes", "not good"]


def written(page: str, outcomes: Sequence[Outcome], left_out: Sequence[str]) -> str:
    """Return the page with the tables of these outcomes in place of those that were there."""
    runs = [each for each in outcomes if each.scenario != HUNT.name]
    mutants = [each for each in outcomes if each.scenario == HUNT.name]
    parts = [
        "### Promises\n",
        _table(["promise", "breaches", "of", *_COLUMNS], _promise_lines(runs)),
        "### How much was done\n",
        _table(["what", *_COLUMNS], _amount_lines(runs)),
        "### Scenarios\n",
        _table(_OF_SCENARIO, _scenario_lines(outcomes)),
        "### Recovery\n",
        _table(["from the blow to", "where", "blows", "median (s)", "longest (s)"], _recovery_lines(runs)),
        "### Mutants\n",
        f"{sum(each.counts.get('killed', 0) for each in mutants)} of {len(mutants)} were found.\n",
        _table(["mistake", "where", "found by", "seconds"], _mutant_lines(mutants)),
        "### Circumstances\n",
        "".join(f"- {line}\n" for line in _circumstances(outcomes, left_out)),
    ]
    return between_marks(page, "\n".join(parts), BEGIN)


def _table(headings: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    return table_of([headings, ["---"] * len(headings), *lines])


def _promise_lines(runs: Sequence[Outcome]) -> Iterator[list[str]]:
    for promise in PROMISES:
        kept = (_kept(promise, name, runs) for name in _COLUMNS)
        yield [promise.name, promise.breach, promise.chances, *kept]


def _kept(promise: Promise, database: str, runs: Sequence[Outcome]) -> str:
    """Return how often it was broken there, of how many times."""
    if database not in promise.where:
        return "not promised"
    broken = sum(each.broken.get(promise.guarantee, 0) for each in runs if each.database == database)
    counts = _counted(runs, database)
    of = sum(counts[name] for name in promise.of)
    return f"**{broken}** of {of:,}" if of or broken else "not tried"


def _counted(runs: Iterable[Outcome], database: str) -> Counter[str]:
    counts: Counter[str] = Counter()
    for each in runs:
        if each.database == database:
            counts.update(each.counts)
    return counts


#: What is told of it: counts, and in which words.
_AMOUNTS = {
    "facts": "facts recorded in these runs",
    "decisions": "conditional appends and decisions judged",
    "races": "races for one context",
    "racers": "processes in them",
    "meetings": "pairs of transactions that met, one deciding from what the other records",
    "killed": "processes killed with SIGKILL",
    "followers killed": "followers killed",
    "rebuilders killed": "rebuilds killed",
    "server kills": "database servers killed with SIGKILL",
    "disk full": "disks filled",
    "messages cut before it": "connections cut before a message",
    "messages cut behind it": "connections cut behind a message",
    "messages swallowed": "messages swallowed",
    "messages delayed": "messages delayed",
    "unknown": "appends whose outcome nobody knew",
    "gap_readings": "readings while a lower position was open",
    "steps back": "facts whose time is before that of the one below",
    "effects": "effects",
    "duplicates": "effects delivered more than once, which is no breach",
    "dead": "effects that died, as they were to",
    "requests": "requests to the REST API",
    "tests": "tests of points and pairs, and of requests",
}


def _amount_lines(runs: Sequence[Outcome]) -> Iterator[list[str]]:
    counts = {name: _counted(runs, name) for name in _COLUMNS}
    for name, words in _AMOUNTS.items():
        yield [words, *(f"{counts[column][name]:,}" for column in _COLUMNS)]


def _scenario_lines(outcomes: Sequence[Outcome]) -> Iterator[list[str]]:
    for scenario in SCENARIOS:
        cases = [each for each in outcomes if each.scenario == scenario.name]
        minutes = sum(each.seconds for each in cases) / 60
        bad = sum(not each.is_good for each in cases)
        yield [scenario.name, scenario.what, scenario.faults, str(len(cases)), f"{minutes:.1f}", str(bad)]


def _recovery_lines(runs: Sequence[Outcome]) -> Iterator[list[str]]:
    for scenario in SCENARIOS:
        for database in _COLUMNS:
            cases = [each for each in runs if (each.scenario, each.database) == (scenario.name, database)]
            if seconds := [second for each in cases for second in each.recoveries]:
                what = "all effects finished" if scenario.name == "effects" else "the next append"
                numbers = [str(len(seconds)), f"{median(seconds):.1f}", f"{max(seconds):.1f}"]
                yield [f"{scenario.name}, to {what}", database, *numbers]


def _mutant_lines(mutants: Sequence[Outcome]) -> Iterator[list[str]]:
    for each in mutants:
        place = each.place.partition(":")[0]
        yield [each.labels["mutant"], place, each.labels["found by"] or "**nothing**", f"{each.seconds:.0f}"]


def _circumstances(outcomes: Sequence[Outcome], left_out: Sequence[str]) -> Iterator[str]:
    seeds = sorted({each.seed for each in outcomes})
    yield f"seeds: {', '.join(map(str, seeds))} (a case that proves too little is run again with the next)"
    yield f"the whole took {sum(each.seconds for each in outcomes) / 60:.0f} minutes"
    yield f"left out: {'; '.join(left_out) or 'nothing'}"
    yield from machine()

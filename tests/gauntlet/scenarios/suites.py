"""Tests of the suite that stand for faults, by pytest in a process of its own; its report is counted."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from xml.etree import ElementTree

from demo_project.settings import BASE_DIR
from tests.children import environment_apart
from tests.gauntlet.outcome import Outcome
from tests.gauntlet.scenario import Case, Scenario
from tests.stores import STORES

__all__ = ["POINTS", "REQUESTS"]

#: Which store a test ran on; pytest puts it into the name.
_STORE = re.compile(r"\b(sqlite|postgres|mariadb)-(tags|log)\b")
_POINTS = (
    "faults",
    "guards",
    "contract",
    "effects",
    "projections",
    "test_append_only.py",
    "admin/test_safety.py",
)
#: What runs by itself in other scenarios, in a longer form.
_LEFT_TO_OTHERS = "not slow and not histories and not through_outages and not test_every_effect_is_delivered"


@dataclass(frozen=True)
class _Test:
    store: str
    failure: str
    properties: Mapping[str, int]


def _cases_of_points(seed: int, short: bool) -> Iterator[Case]:
    if not short:  # make test runs them
        paths = [f"tests/{name}" for name in _POINTS]
        yield from _cases_of(POINTS.name, seed, [*paths, "-k", _LEFT_TO_OTHERS], {})


def _cases_of_requests(seed: int, short: bool) -> Iterator[Case]:
    asked = {
        "FACTOS_TEST_FUZZ_SEEDS": ",".join(str(seed + number) for number in range(1 if short else 2)),
        "FACTOS_TEST_FUZZ_EXAMPLES": "8" if short else "30",
    }
    paths = ["tests/rest/test_schemathesis.py", "tests/rest/test_faults.py"]
    yield from _cases_of(REQUESTS.name, seed, paths, asked)


def _cases_of(
    scenario: str, seed: int, arguments: Sequence[str], settings: Mapping[str, str]
) -> Iterator[Case]:
    """Yield a case for each store; the tests of all run with the first of them."""
    report: dict[str, list[_Test]] = {}
    for store in STORES:
        yield Case(store.id, partial(_counted, scenario, store.id, seed, report, arguments, settings))


def _counted(
    scenario: str,
    place: str,
    seed: int,
    report: dict[str, list[_Test]],
    arguments: Sequence[str],
    settings: Mapping[str, str],
) -> Outcome:
    begun = time.monotonic()
    if not report:
        report.update(_run(arguments, settings))
    counts: Counter[str] = Counter(tests=len(report[place]))
    for test in report[place]:
        counts.update(test.properties)
    failures = [test.failure for test in report[place] if test.failure]
    broken = {name: number for name, number in _broken(counts, failures).items() if number}
    counts.pop("server errors", None)
    return Outcome(
        scenario, place, seed, time.monotonic() - begun, broken, dict(counts), problems=tuple(failures[:5])
    )


def _broken(counts: Mapping[str, int], failures: Sequence[str]) -> dict[str, int]:
    return {"5xx": counts.get("server errors", 0), "errors": len(failures)}


def _run(arguments: Sequence[str], settings: Mapping[str, str]) -> dict[str, list[_Test]]:
    """Run the tests; return them by the store that they ran on."""
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "report.xml"
        pytest = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
        command = [*pytest, "-n", "4", "--dist", "loadgroup", "--junit-xml", str(file), *arguments]
        done = subprocess.run(
            command,
            cwd=BASE_DIR,
            env=environment_apart() | dict(settings),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        if not file.exists():
            raise RuntimeError(done.stdout.decode()[-3000:])
        return _by_store(ElementTree.parse(file))


def _by_store(report: ElementTree.ElementTree[ElementTree.Element]) -> dict[str, list[_Test]]:
    tests: dict[str, list[_Test]] = defaultdict(list)
    for case in report.iter("testcase"):
        # What no store is named for runs on the default database, or on none.
        found = _STORE.search(case.get("name", ""))
        store = found[0] if found else "sqlite-log"
        tests[store].append(_Test(store, _failure(case), _properties(case)))
    return tests


def _failure(case: ElementTree.Element) -> str:
    for kind in ("failure", "error"):
        if (told := case.find(kind)) is not None:
            return f"{case.get('name')}: {(told.get('message') or '')[:300]}"
    return ""


def _properties(case: ElementTree.Element) -> dict[str, int]:
    told = {each.get("name", ""): each.get("value", "") for each in case.iter("property")}
    return {name: int(value) for name, value in told.items() if value.isdigit()}


POINTS = Scenario(
    "points and pairs",
    "The tests of the suite about faults, guards, effects, projections and the admin's safety: two or three "
    "sessions brought to one point, processes that are killed or frozen there, connections that are cut "
    "there, and the contract of the store.",
    "A3, A5-A14, A18, A19, A21-A29, A32, A33, A36, B1-B4, B11-B14, C1-C19, D1-D4, D7-D12, D15-D21, D30, E13",
    _cases_of_points,
)
REQUESTS = Scenario(
    "requests",
    "The REST API is asked whatever its description allows, and more, by several users.",
    "B1-B10, B17, E1-E6, E8-E11, E18",
    _cases_of_requests,
)

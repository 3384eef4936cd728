"""The long form of the run, and the short one: what each does on a store, and what it has to prove there."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from django.conf import settings
from django.test.utils import setup_databases, teardown_databases

from tests.history.evidence import Wanted
from tests.history.run import Plan, Report, run
from tests.stores import Store

__all__ = ["SHORTLY", "Case", "database", "long_form", "run_long_form", "short_case", "table"]

#: A run in which nobody met anybody would find nothing wrong whatever the guard. This is of one of seconds:
#: what is rare is proved by the long form.
SHORTLY = Wanted(
    decisions=150, contended=(0.05, 0.95), alone=5, within=5, copied=0, contexts=3, contexts_within=3,
    by_ids=0, of_several=5,
)  # fmt: skip


@dataclass(frozen=True)
class Case:
    """A store, the plan of its run, and what that has to prove."""

    name: str
    plan: Plan
    wanted: Wanted

    @property
    def is_left_out(self) -> bool:
        """Tell whether its database does not answer."""
        return self.plan.using not in settings.DATABASES


def _cases(seed: int) -> Iterator[Case]:
    many = Plan("postgres", ("tags",), operations=150, alone=20, victims=4, holds=2, seconds=300, seed=seed)
    few = replace(many, operations=60, holds=0)
    gaps = Wanted(decisions=1000, gap_readings=1, passing=50, acknowledged=10)
    plain = Wanted(decisions=1000, acknowledged=10)
    yield Case("postgres-tags", many, gaps)
    yield Case("postgres-log", replace(many, guards=("log",), holds=0), plain)
    yield Case("postgres-mixed", replace(many, guards=("tags", "log"), holds=0), replace(gaps, passing=0))
    yield Case("sqlite", replace(few, using="default", guards=("log",)), replace(plain, decisions=300))
    yield Case("mariadb", replace(few, using="mariadb", guards=("log",)), replace(plain, decisions=300))


def long_form(seed: int) -> dict[str, Case]:
    """Return the cases by name."""
    return {case.name: case for case in _cases(seed)}


def short_case(store: Store) -> Case:
    """Return the case of a run that takes seconds."""
    by_tags = store.guard == "tags"
    wanted = replace(SHORTLY, gap_readings=1, passing=10) if by_tags else SHORTLY
    return Case(store.id, Plan(store.using, (store.guard,), holds=int(by_tags)), wanted)


@contextmanager
def database(using: str) -> Iterator[None]:
    """Make a test database of this alias, its sequence fresh, and remove it."""
    # Django makes that of `default` first, whichever is asked for.
    made = setup_databases(verbosity=0, interactive=False, aliases=dict.fromkeys(["default", using]))
    try:
        yield
    finally:
        teardown_databases(made, verbosity=0)


def run_long_form(case: Case) -> tuple[Report, bool]:
    """Run it, print what is wrong, and return what it proved and whether it is good."""
    with database(case.plan.using), tempfile.TemporaryDirectory() as directory:
        report = run(case.plan, Path(directory))
    lacking = case.wanted.lacking(report.evidence)
    good = not (report.faults or report.deaths or lacking)
    if not good:
        sys.stdout.write(f"{case.name}: {report}\nproved too little: {', '.join(lacking) or 'no'}\n")
    sys.stdout.flush()
    return report, good


def table(results: dict[str, tuple[Report, bool]]) -> str:
    """Return what each run proved, a column a store."""
    columns = [_column(name, report, good) for name, (report, good) in results.items()]
    lines = [
        f"{heading:<16}" + "".join(f"{column[heading]:>16}" for column in columns) for heading in columns[0]
    ]
    return "\n".join(lines) + "\n"


def _column(name: str, report: Report, good: bool) -> dict[str, str]:
    proved = {"store": name, "seed": report.plan.seed, **asdict(report.evidence)}
    proved |= {"faults": len(report.faults), "seconds": f"{report.seconds:.0f}", "is good": good}
    return {heading: str(value) for heading, value in proved.items()}

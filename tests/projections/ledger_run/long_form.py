"""The long form of the run over the ledger, and the short one: what each does, and what it has to prove."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from django.conf import settings
from django.test import override_settings

from tests.history.long_form import database
from tests.projections.ledger_run.plan import Plan, Report
from tests.projections.ledger_run.run import run
from tests.stores import Store

__all__ = ["Case", "long_form", "run_long_form", "short_case", "table"]

_WANTED = {
    "facts": 200, "meetings": 100, "closed": 10, "rolled back": 10, "looks": 100, "changes": 50, "behind": 20,
    "checkpoints": 30, "followed": 300, "rebuilt": 15, "rebuilt inline": 5, "checked": 5,
    "killed": 2, "followers killed": 25, "rebuilders killed": 25, "killed at work": 10,
}  # fmt: skip

#: A run in which nothing was killed, and nobody looked meanwhile, proves nothing.
_SHORTLY = {
    "facts": 60, "meetings": 20, "looks": 10, "changes": 5, "behind": 1, "checkpoints": 3, "followed": 60,
    "rebuilt": 2, "rebuilt inline": 1, "checked": 1,
    "killed": 1, "followers killed": 3, "rebuilders killed": 3, "killed at work": 1,
}  # fmt: skip


@dataclass(frozen=True)
class Case:
    """A store, the plan of its run, and what that has to prove."""

    name: str
    plan: Plan
    wanted: Mapping[str, int] = field(default_factory=lambda: _WANTED)

    @property
    def is_left_out(self) -> bool:
        """Tell whether its database does not answer."""
        return self.plan.using not in settings.DATABASES

    def lacking(self, report: Report) -> list[str]:
        """Return what the run did not prove."""
        least = self.wanted.items()
        return [f"{name}: {number} wanted" for name, number in least if report.evidence[name] < number]


def _cases(seed: int) -> Iterator[Case]:
    many = Plan(
        "postgres", ("tags",), operations=100, followers=3, rebuilders=2, kills=25, seconds=240, seed=seed
    )
    few = replace(many, guards=("log",), operations=60)
    yield Case("postgres-tags", many)
    yield Case("postgres-log", replace(many, guards=("log",)))
    yield Case("postgres-mixed", replace(many, guards=("tags", "log")))
    yield Case("sqlite", replace(few, using="default"))
    yield Case("mariadb", replace(few, using="mariadb"))


def long_form(seed: int) -> dict[str, Case]:
    """Return the cases by name."""
    return {case.name: case for case in _cases(seed)}


def short_case(store: Store) -> Case:
    """Return the case of a run that takes seconds."""
    plan = Plan(store.using, (store.guard,), alone=5, operations=15, followers=2, rebuilders=1, kills=3)
    return Case(store.id, plan, _SHORTLY)


def run_long_form(case: Case) -> tuple[Report, bool]:
    """Run it, print what is wrong, and return what it proved and whether it is good."""
    plan = case.plan
    with override_settings(FACTOS_GUARD={plan.using: plan.guards[0]}), database(plan.using):
        report = run(plan)
    lacking = case.lacking(report)
    good = not (report.faults or report.deaths or lacking)
    if not good:
        sys.stdout.write(f"ledger, {case.name}: {report}\nproved too little: {', '.join(lacking) or 'no'}\n")
    sys.stdout.flush()
    return report, good


def table(results: dict[str, tuple[Report, bool]]) -> str:
    """Return what each run proved, a column a store."""
    columns = [_column(name, report, good) for name, (report, good) in results.items()]
    lines = [f"{line:<20}" + "".join(f"{column[line]:>16}" for column in columns) for line in columns[0]]
    return "\n".join(lines) + "\n"


def _column(name: str, report: Report, good: bool) -> dict[str, str]:
    proved = {"ledger": name, "seed": report.plan.seed, **{each: report.evidence[each] for each in _WANTED}}
    proved |= {"faults": len(report.faults), "seconds": f"{report.seconds:.0f}", "is good": good}
    return {heading: str(value) for heading, value in proved.items()}

"""The long form of the runs over effects: every blow, on PostgreSQL with each broker, and some elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from django.conf import settings

from tests.effects.effect_run.blows import BLOWS
from tests.effects.effect_run.brokers import why_left_out
from tests.effects.effect_run.clocks import why_no_clocks
from tests.effects.effect_run.plan import TOLD, Plan, Report
from tests.effects.effect_run.proof import LONG, OF_BLOW, SHORT, lacking
from tests.effects.effect_run.run import run
from tests.history.long_form import database
from tests.proofs import proving

__all__ = ["NOT_ON_FILES", "Case", "heading", "line", "long_form", "run_long_form", "short_plan"]

#: Without a broker nothing of it strikes, and SQLite's processes have one clock, that of their machine.
NOT_ON_FILES = ("broker stopped", "broker hangs", "clocks apart")

#: A run that proves too little is run again, so often (runs).
_RUNS = 3

#: What differs from the usual plan.
_OF_BLOW: dict[str, dict[str, object]] = {
    "relays at points": {"nudge": False, "in_flight": 40},
    "lease outlived": {"lease": 2.0, "told": {**TOLD, "slow 0.3": 30}},
    "poison": {"told": {**TOLD, "dies 1": 2, "dies 9": 1, "fails 9": 6, "fatal": 4}},
    "writers at points": {"parcels": 360},
}


#: Where a short run of the usual length proves too little: fewer than ten are poisoned, or ever in flight.
_OF_SHORT_BLOW = {"poison": {"parcels": 150}, "workers at points": {"parcels": 150}}


@dataclass(frozen=True)
class Case:
    """A plan, and what its run has to prove."""

    plan: Plan
    wanted: Mapping[str, int]

    @property
    def name(self) -> str:
        """Where it is run, and what strikes."""
        return f"{self.plan.using}, {self.plan.broker}, {self.plan.blow}"

    @property
    def why_left_out(self) -> str:
        """Why it cannot be run here, or an empty string."""
        if self.plan.using not in settings.DATABASES:
            return "the database does not answer"
        return why_left_out(self.plan.broker) or (why_no_clocks() if self.plan.blow == "clocks apart" else "")

    def lacking(self, report: Report) -> list[str]:
        """Return what the run did not prove."""
        return lacking(report, self.wanted, OF_BLOW[self.plan.blow])


def short_plan(using: str, broker: str, blow: str, **others: object) -> Plan:
    """Return the plan of a run that takes seconds."""
    plan = Plan(using, broker, blow, writers=2, relays=1)
    numbers = {"parcels": 60, "in_flight": 10, "seconds": 90.0, **_OF_SHORT_BLOW.get(blow, {})}
    return replace(plan, **{**_OF_BLOW.get(blow, {}), **others, **numbers})  # type: ignore[arg-type]


def _cases(seed: int) -> Iterator[Case]:
    for broker in ("redis", "rabbitmq"):
        for blow in BLOWS:
            plan = Plan("postgres", broker, blow, seed=seed)
            yield Case(replace(plan, **_OF_BLOW.get(blow, {})), LONG)  # type: ignore[arg-type]
    for using, broker in (("default", "files"), ("mariadb", "redis")):
        for blow in BLOWS:
            if not (broker == "files" and blow in NOT_ON_FILES):
                yield Case(short_plan(using, broker, blow, seed=seed), SHORT)


def long_form(seed: int) -> list[Case]:
    """Return the cases."""
    return list(_cases(seed))


def run_long_form(case: Case) -> tuple[Report, bool]:
    """Run it, print what is wrong, and return what it proved and whether it is good."""

    def once(number: int) -> tuple[Report, list[str]]:
        with database(case.plan.using):
            report = run(replace(case.plan, seed=case.plan.seed + number))
        return report, case.lacking(report)

    report, missing = proving(once, _RUNS)
    good = not (report.faults or report.deaths or missing)
    if not good:
        sys.stdout.write(f"{case.name}: {report}\nproved too little: {', '.join(missing) or 'no'}\n")
    sys.stdout.flush()
    return report, good


_COUNTS = {"effects": "effects", "in flight": "in flight", "twice": "duplicates", "dead": "dead"}
_FAULTS = {
    "lost": "lost", "phantom": "phantom", "rolled back": "after rollback", "rebuilt": "on rebuild",
    "order": "order", "attempts": "attempts", "stuck": "stuck",
}  # fmt: skip
_WIDEST = 40


def heading() -> str:
    """Return the head of the table: what was counted, and which promises were broken how often."""
    words = [*_COUNTS, "recovery", *_FAULTS, "is good"]
    return f"{'case':<{_WIDEST}}" + "".join(f"  {word}" for word in words) + "\n"


def line(case: Case, report: Report, *, good: bool) -> str:
    """Return what one run proved."""
    found = [fault.guarantee.removeprefix("G6 ") for fault in report.faults]
    cells = {each: str(report.evidence[count]) for each, count in _COUNTS.items()}
    cells["recovery"] = f"{report.recovery:.1f} s"
    cells |= {each: str(found.count(name)) for each, name in _FAULTS.items()}
    cells["is good"] = str(good)
    return (
        f"{case.name:<{_WIDEST}}" + "".join(f"  {cell:>{len(word)}}" for word, cell in cells.items()) + "\n"
    )

"""Effects: real writers, relays, workers and brokers, and something that strikes in the midst."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from tests.effects.effect_run import long_form as form
from tests.effects.effect_run.blows import BLOWS
from tests.effects.effect_run.proof import SHORT
from tests.effects.effect_run.run import run
from tests.gauntlet.outcome import Outcome
from tests.gauntlet.scenario import Case, Scenario
from tests.gauntlet.scenarios.judged import RUNS, of_run
from tests.history.long_form import database
from tests.proofs import proving

__all__ = ["DELIVERIES"]

#: In the long form on RabbitMQ, in the short one on Redis; to the other blows it is all one.
_ON_BOTH = ("processes killed", "broker emptied", "broker stopped", "broker hangs")
#: The aliases of databases, as places have them.
_PLACES = {"default": "sqlite", "postgres": "postgres", "mariadb": "mariadb"}


def _forms(seed: int, short: bool) -> Iterator[form.Case]:
    if short:
        yield _short("default", "files", "workers at points", seed)
        yield _short("postgres", "redis", "processes killed", seed)
        yield _short("postgres", "rabbitmq", "broker stopped", seed)
        yield _short("mariadb", "redis", "clocks apart", seed)
        return
    for case in form.long_form(seed):
        if case.plan.using == "postgres" and case.plan.broker == _main_broker(case.plan.blow):
            yield case
    for blow in BLOWS:
        if blow in _ON_BOTH:
            yield _short("postgres", "redis", blow, seed)
        yield _short("mariadb", "rabbitmq", blow, seed)
        if blow not in form.NOT_ON_FILES:
            yield _short("default", "files", blow, seed)


def _main_broker(blow: str) -> str:
    return "rabbitmq" if blow in _ON_BOTH else "redis"


def _short(using: str, broker: str, blow: str, seed: int) -> form.Case:
    return form.Case(form.short_plan(using, broker, blow, seed=seed), SHORT)


def _cases(seed: int, short: bool) -> Iterator[Case]:
    for case in _forms(seed, short):
        place = f"{_PLACES[case.plan.using]}, {case.plan.broker}, {case.plan.blow}"
        yield Case(place, partial(_run, case, place, seed), case.why_left_out)


def _run(case: form.Case, place: str, seed: int) -> Outcome:
    def once(number: int) -> tuple[Any, list[str]]:
        with database(case.plan.using):
            report = run(replace(case.plan, seed=seed + number))
        return report, case.lacking(report)

    report, lacking = proving(once, RUNS)
    return of_run(DELIVERIES.name, place, report, lacking, report.evidence, [report.recovery])


DELIVERIES = Scenario(
    "effects",
    "Writers record facts whose reactors ask for effects; relays and Celery workers deliver them to a sink. "
    "Then something strikes: processes die at any moment and at chosen points, the broker is killed, frozen "
    "or emptied, a worker outlives its lease, effects kill their workers, projections are rebuilt, clocks "
    "are days apart and step.",
    "D1-D5, D7-D11, D13, D16, D17, D19, D21, D24, D25, D28",
    _cases,
)
